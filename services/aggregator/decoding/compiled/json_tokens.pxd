"""Reads the tokens of plain JSON: ASCII without escapes, integers of at most DIGITS_MAX digits.

A function returns the address after the token, or NULL if the token is not plain. No function reads a byte at
`end` or beyond.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcmp

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    static inline uint64_t word_at(const uint8_t *from) {
        uint64_t word;
        memcpy(&word, from, 8);
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
    #endif
        return word;
    }
    #define ALL(byte) (0x0101010101010101ull * (byte))
    /* Sets the high bit of each byte that ends plain text: a quote, backslash, control byte or non-ASCII byte.
       A borrow may set further bits above the lowest such byte, so only the lowest one is exact. */
    static inline uint64_t text_ends_in(uint64_t word) {
        return ((word - ALL(0x20)) | ((word ^ ALL(0x22)) - ALL(1)) | ((word ^ ALL(0x5c)) - ALL(1)) | word)
            & ALL(0x80);
    }
    static inline int lowest_byte(uint64_t bits) { return __builtin_ctzll(bits) >> 3; }
    """
    uint64_t word_at(const uint8_t *where) noexcept nogil
    uint64_t text_ends_in(uint64_t word) noexcept nogil
    int lowest_byte(uint64_t bits) noexcept nogil

ctypedef const uint8_t *Bytes

cdef enum:
    NESTED_MAX = 16
    DIGITS_MAX = 18


cdef inline Bytes skip_whitespace(Bytes at, Bytes end) noexcept nogil:
    while at < end and (at[0] == c' ' or at[0] == c'\t' or at[0] == c'\n' or at[0] == c'\r'):
        at += 1
    return at


cdef inline Bytes string_end(Bytes at, Bytes end) noexcept nogil:
    """Find the closing quote of the string at `at`; NULL if the string is not plain or has no end."""
    cdef uint64_t ends
    while end - at >= 8:
        ends = text_ends_in(word_at(at))
        if ends:
            at += lowest_byte(ends)
            return at if at[0] == c'"' else NULL
        at += 8
    while at < end:
        if at[0] == c'"':
            return at
        if at[0] < 0x20 or at[0] >= 0x80 or at[0] == c'\\':
            return NULL
        at += 1
    return NULL


cdef inline Bytes read_integer(Bytes at, Bytes end, int64_t *number) noexcept nogil:
    """Read a non-negative integer of at most DIGITS_MAX digits; the caller checks the byte after it."""
    cdef Bytes start = at
    cdef int64_t read = 0
    while at < end and c'0' <= at[0] <= c'9' and at - start < DIGITS_MAX:
        read = 10 * read + (at[0] - c'0')
        at += 1
    if at == start or (start[0] == c'0' and at - start > 1):
        return NULL
    number[0] = read
    return at


cdef inline Bytes skip_literal(Bytes at, Bytes end, const char *word, int size) noexcept nogil:
    return at + size if end - at >= size and memcmp(at, word, size) == 0 else NULL


cdef inline Bytes read_key(Bytes at, Bytes end, Bytes *key, int64_t *size) noexcept nogil:
    """Read a key and its colon; return the start of the value, or NULL."""
    if at >= end or at[0] != c'"':
        return NULL
    key[0] = at + 1
    at = string_end(at + 1, end)
    if at == NULL:
        return NULL
    size[0] = at - key[0]
    at = skip_whitespace(at + 1, end)
    return skip_whitespace(at + 1, end) if at < end and at[0] == c':' else NULL


cdef inline Bytes next_item(Bytes at, Bytes end, uint8_t closing, bint *closed) noexcept nogil:
    """Skip a comma and return the next item, or skip the closing bracket and set `closed`; NULL if neither."""
    at = skip_whitespace(at, end)
    if at >= end:
        return NULL
    closed[0] = at[0] == closing
    if closed[0]:
        return at + 1
    return skip_whitespace(at + 1, end) if at[0] == c',' else NULL


cdef inline Bytes skip_value(Bytes at, Bytes end, int nested) noexcept nogil:
    """Skip any plain value; NULL if it is not plain."""
    cdef int64_t number
    cdef Bytes key
    cdef bint closed = False
    cdef bint is_object
    if at >= end or nested > NESTED_MAX:
        return NULL
    if at[0] == c'"':
        at = string_end(at + 1, end)
        return at + 1 if at != NULL else at
    if c'0' <= at[0] <= c'9':
        return read_integer(at, end, &number)
    if at[0] == c'-':  # a negative zero is left to the pure Python decoder
        return read_integer(at + 1, end, &number) if end - at > 1 and at[1] != c'0' else NULL
    if at[0] == c'n':
        return skip_literal(at, end, b"null", 4)
    if at[0] == c't':
        return skip_literal(at, end, b"true", 4)
    if at[0] == c'f':
        return skip_literal(at, end, b"false", 5)
    if at[0] != c'{' and at[0] != c'[':
        return NULL
    is_object = at[0] == c'{'
    at = skip_whitespace(at + 1, end)
    if at < end and at[0] == (c'}' if is_object else c']'):
        return at + 1
    while not closed:
        if is_object:
            at = read_key(at, end, &key, &number)
        if at != NULL:
            at = skip_value(at, end, nested + 1)
        if at != NULL:
            at = next_item(at, end, c'}' if is_object else c']', &closed)
        if at == NULL:
            return NULL
    return at
