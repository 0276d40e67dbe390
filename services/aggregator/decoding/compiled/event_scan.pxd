"""Finds the fields of a plain event that are counted."""

from libc.stdint cimport int64_t
from libc.string cimport memcmp

from aggregator.decoding.compiled.json_tokens cimport (
    Bytes, next_item, read_integer, read_key, skip_value, skip_whitespace,
)


cdef struct ScannedEvent:
    int64_t partition
    int64_t sequence
    Bytes before
    int64_t before_size
    Bytes after
    int64_t after_size


cdef inline Bytes _scan_data(Bytes at, Bytes end, ScannedEvent *found) noexcept nogil:
    """Skip the event's `data` and find its `before` and `after`; NULL unless it has one of each."""
    cdef Bytes key, start
    cdef int64_t size
    cdef bint closed = False
    found.before = found.after = NULL
    if at >= end or at[0] != c'{':
        return NULL
    at = skip_whitespace(at + 1, end)
    while not closed:
        at = read_key(at, end, &key, &size)
        if at == NULL:
            return NULL
        start = at
        at = skip_value(at, end, 2)
        if at == NULL:
            return NULL
        if size == 6 and memcmp(key, b"before", 6) == 0:
            if found.before != NULL:
                return NULL
            found.before, found.before_size = start, at - start
        elif size == 5 and memcmp(key, b"after", 5) == 0:
            if found.after != NULL:
                return NULL
            found.after, found.after_size = start, at - start
        at = next_item(at, end, c'}', &closed)
        if at == NULL:
            return NULL
    return at if found.before != NULL and found.after != NULL else NULL


cdef inline bint scan_event(Bytes at, Bytes end, int64_t partition, ScannedEvent *found) noexcept nogil:
    """Find the fields of an event that are counted.

    Return False unless the event is plain and belongs to the partition.
    """
    cdef Bytes key
    cdef int64_t size
    cdef bint closed = False
    cdef int found_fields = 0
    cdef int field
    at = skip_whitespace(at, end)
    if at >= end or at[0] != c'{':
        return False
    at = skip_whitespace(at + 1, end)
    while not closed:
        at = read_key(at, end, &key, &size)
        if at == NULL:
            return False
        field = 0
        if size == 4 and memcmp(key, b"data", 4) == 0:
            field = 1
            at = _scan_data(at, end, found)
        elif size == 8 and memcmp(key, b"sequence", 8) == 0:
            field = 2
            at = read_integer(at, end, &found.sequence)
        elif size == 9 and memcmp(key, b"partition", 9) == 0:
            field = 4
            at = read_integer(at, end, &found.partition)
        else:
            at = skip_value(at, end, 1)
        if at == NULL or found_fields & field:
            return False
        found_fields |= field
        at = next_item(at, end, c'}', &closed)
        if at == NULL:
            return False
    return (
        skip_whitespace(at, end) == end
        and found_fields == 7
        and found.sequence > 0
        and found.partition == partition
    )


cdef inline bint is_null(Bytes at, int64_t size) noexcept nogil:
    return size == 4 and memcmp(at, b"null", 4) == 0
