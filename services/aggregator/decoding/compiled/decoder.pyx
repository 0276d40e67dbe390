# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# distutils: extra_compile_args = -O3
"""The compiled decoder: reads records from bytes and folds their events, as `batch_decoder` does.

It decodes *plain* events: JSON in ASCII without escapes. Any other record goes to
`aggregator.domain.event.read_event`, so that only that function decides about irregular records.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy

from aggregator.domain.event_fold import Fold, Quarantined, apply_event, skip_settled, uncountable_reason
from aggregator.domain.event import BadEvent, QuarantineReason, UnsequencedRecord, UNDECODABLE, read_event, read_standing

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
    MINUTE_BYTES = 16
    NESTED_MAX = 16
    DIGITS_MAX = 18
    STANDING_BYTES_MAX = 1024
    # `Row.before` and `Row.after` are an index into StandingTable or one of the next three values. In this
    # order they mean: no standing; an event that is folded in Python; a standing not yet in the table.
    NO_STANDING = -1
    IN_PYTHON = -2
    UNKNOWN = -3

STANDINGS_MAX = 1 << 15


cdef struct RecordSlot:
    int64_t offset
    Bytes value  # NULL if the record has no value
    int64_t size


cdef struct ScannedEvent:
    int64_t partition
    int64_t sequence
    Bytes time
    int64_t time_size
    Bytes before
    int64_t before_size
    Bytes after
    int64_t after_size


cdef struct Entry:
    uint64_t hash
    Bytes key  # the minute, followed by the standing's bytes
    int64_t size
    int32_t index


cdef struct Row:
    int64_t sequence
    int64_t offset
    int32_t before
    int32_t after


cdef class RunRecord:
    """One record of a run, created on access."""

    cdef readonly int64_t offset
    cdef readonly object value

    def __init__(self, int64_t offset, value):
        self.offset = offset
        self.value = value


cdef class Run:
    """Successive records of one partition, as pointers into the fetched bytes."""

    cdef list _buffers
    cdef RecordSlot *_slots
    cdef Py_ssize_t _count, _capacity
    cdef int64_t _highest

    def __cinit__(self):
        self._buffers = []
        self._highest = -1

    def __dealloc__(self):
        free(self._slots)

    def __len__(self):
        return self._count

    def __getitem__(self, Py_ssize_t index):
        if index < 0:
            index += self._count
        if not 0 <= index < self._count:
            raise IndexError("no such record in the run")
        return RunRecord(self._slots[index].offset, _value_of(&self._slots[index]))

    @property
    def offset(self):
        """The highest offset of the run; -1 if the run is empty."""
        return self._highest

    def add(self, int64_t offset, bytes value):
        """Add one record."""
        self._reserve(1)
        cdef RecordSlot *slot = &self._slots[self._count]
        slot.offset = offset
        slot.value, slot.size = NULL, 0
        if value is not None:
            slot.value, slot.size = <Bytes><const char *>value, len(value)
            self._buffers.append(value)
        self._count += 1
        self._highest = max(self._highest, offset)

    def add_batch(self, bytes data, int64_t base_offset, int64_t records):
        """Add the records of a decompressed batch of format 2.

        Add nothing and return False, unless `data` consists of exactly `records` plain records with rising
        offsets.
        """
        cdef Bytes start = <Bytes><const char *>data
        cdef int64_t size = len(data)
        cdef bint plain
        if not 0 <= records <= size:  # a record has at least one byte
            return False
        self._reserve(records)
        with nogil:
            plain = _read_records(start, start + size, base_offset, self._slots + self._count, records)
        if plain and records:
            self._buffers.append(data)
            self._count += records
            self._highest = max(self._highest, self._slots[self._count - 1].offset)
        return plain

    def extend(self, Run other):
        """Append the records of another run."""
        self._reserve(other._count)
        if other._count:
            memcpy(self._slots + self._count, other._slots, other._count * sizeof(RecordSlot))
        self._count += other._count
        self._buffers += other._buffers
        self._highest = max(self._highest, other._highest)

    def part(self, Py_ssize_t start, Py_ssize_t stop):
        """Return the records with the indexes `start` to `stop` - 1."""
        cdef Run part = Run()
        cdef Py_ssize_t index
        part._reserve(max(0, min(stop, self._count) - start))
        for index in range(start, min(stop, self._count)):
            part._append_slot(&self._slots[index])
        part._buffers = list(self._buffers)
        return part

    def since(self, int64_t offset):
        """Return the records from `offset` on.

        Records whose offset repeats an earlier record's, or is lower than it, are left out.
        """
        cdef Run part = Run()
        cdef Py_ssize_t index
        if self._count and self._slots[0].offset >= offset and self._offsets_rise():
            return self
        part._reserve(self._count)
        for index in range(self._count):
            if self._slots[index].offset >= offset:
                part._append_slot(&self._slots[index])
                offset = self._slots[index].offset + 1
        part._buffers = list(self._buffers)
        return part

    cdef bint _offsets_rise(self) noexcept:
        cdef Py_ssize_t index
        for index in range(1, self._count):
            if self._slots[index].offset <= self._slots[index - 1].offset:
                return False
        return True

    cdef void _append_slot(self, RecordSlot *slot) noexcept:
        self._slots[self._count] = slot[0]
        self._count += 1
        self._highest = max(self._highest, slot.offset)

    cdef int _reserve(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t capacity = self._count + more
        cdef RecordSlot *slots
        if capacity <= self._capacity:
            return 0
        capacity = max(capacity, 2 * self._capacity)
        slots = <RecordSlot *>realloc(self._slots, capacity * sizeof(RecordSlot))
        if slots == NULL:
            raise MemoryError()
        self._slots = slots
        self._capacity = capacity
        return 0


cdef object _value_of(RecordSlot *slot):
    return None if slot.value == NULL else (<const char *>slot.value)[:slot.size]


cdef inline Bytes _varint(Bytes at, Bytes end, int64_t *number) noexcept nogil:
    """Read a zigzag varint of at most five bytes, the size of lengths and offsets; NULL if it is invalid."""
    cdef uint64_t bits = 0
    cdef int shift = 0
    while at < end and shift < 35:
        bits |= <uint64_t>(at[0] & 0x7f) << shift
        if at[0] < 0x80:
            number[0] = <int64_t>(bits >> 1) ^ -<int64_t>(bits & 1)
            return at + 1
        at += 1
        shift += 7
    return NULL


cdef inline Bytes _skip_varint(Bytes at, Bytes end) noexcept nogil:
    """Skip a varint of at most ten bytes, the size of timestamps; NULL if it is invalid."""
    cdef Bytes stop = end if end - at < 10 else at + 10
    while at < stop:
        if at[0] < 0x80:
            return at + 1
        at += 1
    return NULL


cdef inline Bytes _skip_bytes(Bytes at, Bytes end, RecordSlot *slot) noexcept nogil:
    """Read a length and that many bytes into `slot`; a length of -1 means no value. NULL if invalid."""
    cdef int64_t size
    at = _varint(at, end, &size)
    if at == NULL or size < -1 or size > end - at:
        return NULL
    slot.value, slot.size = at, size
    if size < 0:
        slot.value, slot.size = NULL, 0
    return at + slot.size


cdef bint _read_records(Bytes at, Bytes end, int64_t base_offset, RecordSlot *slots, int64_t count) noexcept nogil:
    """Read `count` records into `slots`; False unless they fill the bytes exactly and their offsets rise."""
    cdef int64_t index
    for index in range(count):
        at = _read_record(at, end, base_offset, &slots[index])
        if at == NULL or (index and slots[index].offset <= slots[index - 1].offset):
            return False
    return at == end


cdef Bytes _read_record(Bytes at, Bytes end, int64_t base_offset, RecordSlot *slot) noexcept nogil:
    """Read a record of format 2: length, attributes, time, offset, key, value, headers; NULL if invalid."""
    cdef int64_t size, delta, headers
    cdef Bytes stop
    cdef RecordSlot header
    at = _varint(at, end, &size)
    if at == NULL or size < 1 or size > end - at:
        return NULL
    stop = at + size
    if at[0] >= 0x80:  # aiokafka reads the attributes as a varint
        return NULL
    at = _skip_varint(at + 1, stop)
    if at != NULL:
        at = _varint(at, stop, &delta)
    if at != NULL:
        at = _skip_bytes(at, stop, slot)
    if at != NULL:
        at = _skip_bytes(at, stop, slot)
    if at != NULL:
        at = _varint(at, stop, &headers)
    if at == NULL or headers < 0 or delta < 0:
        return NULL
    while headers and at != NULL:
        at = _skip_bytes(at, stop, &header)
        if at == NULL or header.value == NULL or not _is_ascii(header.value, header.size):
            return NULL
        at = _skip_bytes(at, stop, &header)
        headers -= 1
    slot.offset = base_offset + delta
    return at if at == stop else NULL


cdef bint _is_ascii(Bytes at, int64_t size) noexcept nogil:
    cdef int64_t index
    for index in range(size):
        if at[index] >= 0x80:
            return False
    return True


cdef inline Bytes _skip_whitespace(Bytes at, Bytes end) noexcept nogil:
    while at < end and (at[0] == c' ' or at[0] == c'\t' or at[0] == c'\n' or at[0] == c'\r'):
        at += 1
    return at


cdef inline Bytes _string_end(Bytes at, Bytes end) noexcept nogil:
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


cdef inline Bytes _read_integer(Bytes at, Bytes end, int64_t *number) noexcept nogil:
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


cdef inline Bytes _skip_literal(Bytes at, Bytes end, const char *word, int size) noexcept nogil:
    return at + size if end - at >= size and memcmp(at, word, size) == 0 else NULL


cdef inline Bytes _read_key(Bytes at, Bytes end, Bytes *key, int64_t *size) noexcept nogil:
    """Read a key and its colon; return the start of the value, or NULL."""
    if at >= end or at[0] != c'"':
        return NULL
    key[0] = at + 1
    at = _string_end(at + 1, end)
    if at == NULL:
        return NULL
    size[0] = at - key[0]
    at = _skip_whitespace(at + 1, end)
    return _skip_whitespace(at + 1, end) if at < end and at[0] == c':' else NULL


cdef inline Bytes _next_item(Bytes at, Bytes end, uint8_t closing, bint *closed) noexcept nogil:
    """Skip a comma and return the next item, or skip the closing bracket and set `closed`; NULL if neither."""
    at = _skip_whitespace(at, end)
    if at >= end:
        return NULL
    closed[0] = at[0] == closing
    if closed[0]:
        return at + 1
    return _skip_whitespace(at + 1, end) if at[0] == c',' else NULL


cdef Bytes _skip_value(Bytes at, Bytes end, int nested) noexcept nogil:
    """Skip any plain value; NULL if it is not plain."""
    cdef int64_t number
    cdef Bytes key
    cdef bint closed = False
    cdef bint is_object
    if at >= end or nested > NESTED_MAX:
        return NULL
    if at[0] == c'"':
        at = _string_end(at + 1, end)
        return at + 1 if at != NULL else at
    if c'0' <= at[0] <= c'9':
        return _read_integer(at, end, &number)
    if at[0] == c'-':  # a negative zero is left to the pure Python decoder
        return _read_integer(at + 1, end, &number) if end - at > 1 and at[1] != c'0' else NULL
    if at[0] == c'n':
        return _skip_literal(at, end, b"null", 4)
    if at[0] == c't':
        return _skip_literal(at, end, b"true", 4)
    if at[0] == c'f':
        return _skip_literal(at, end, b"false", 5)
    if at[0] != c'{' and at[0] != c'[':
        return NULL
    is_object = at[0] == c'{'
    at = _skip_whitespace(at + 1, end)
    if at < end and at[0] == (c'}' if is_object else c']'):
        return at + 1
    while not closed:
        if is_object:
            at = _read_key(at, end, &key, &number)
        if at != NULL:
            at = _skip_value(at, end, nested + 1)
        if at != NULL:
            at = _next_item(at, end, c'}' if is_object else c']', &closed)
        if at == NULL:
            return NULL
    return at


cdef Bytes _scan_data(Bytes at, Bytes end, ScannedEvent *found) noexcept nogil:
    """Skip the event's `data` and find its `before` and `after`; NULL unless it has one of each."""
    cdef Bytes key, start
    cdef int64_t size
    cdef bint closed = False
    found.before = found.after = NULL
    if at >= end or at[0] != c'{':
        return NULL
    at = _skip_whitespace(at + 1, end)
    while not closed:
        at = _read_key(at, end, &key, &size)
        if at == NULL:
            return NULL
        start = at
        at = _skip_value(at, end, 2)
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
        at = _next_item(at, end, c'}', &closed)
        if at == NULL:
            return NULL
    return at if found.before != NULL and found.after != NULL else NULL


cdef bint _scan_event(Bytes at, Bytes end, ScannedEvent *found) noexcept nogil:
    """Find the fields of a plain event that are counted; False if the event is not plain."""
    cdef Bytes key
    cdef int64_t size
    cdef bint closed = False
    cdef int found_fields = 0
    cdef int field
    at = _skip_whitespace(at, end)
    if at >= end or at[0] != c'{':
        return False
    at = _skip_whitespace(at + 1, end)
    while not closed:
        at = _read_key(at, end, &key, &size)
        if at == NULL:
            return False
        field = 0
        if size == 4 and memcmp(key, b"time", 4) == 0:
            field = 1
            if at >= end or at[0] != c'"':
                return False
            found.time = at + 1
            at = _string_end(at + 1, end)
            if at == NULL:
                return False
            found.time_size = at - found.time
            at += 1
        elif size == 4 and memcmp(key, b"data", 4) == 0:
            field = 2
            at = _scan_data(at, end, found)
        elif size == 8 and memcmp(key, b"sequence", 8) == 0:
            field = 4
            at = _read_integer(at, end, &found.sequence)
        elif size == 9 and memcmp(key, b"partition", 9) == 0:
            field = 8
            at = _read_integer(at, end, &found.partition)
        else:
            at = _skip_value(at, end, 1)
        if at == NULL or found_fields & field:
            return False
        found_fields |= field
        at = _next_item(at, end, c'}', &closed)
        if at == NULL:
            return False
    return _skip_whitespace(at, end) == end and found_fields == 15 and found.sequence > 0


cdef inline bint _is_well_placed(ScannedEvent *found, int64_t partition) noexcept nogil:
    """Return whether the partition matches, and the time is longer than MINUTE_BYTES and ends in Z."""
    return (
        found.partition == partition
        and found.time_size > MINUTE_BYTES
        and found.time[found.time_size - 1] == c'Z'
    )


cdef inline bint _is_null(Bytes at, int64_t size) noexcept nogil:
    return size == 4 and memcmp(at, b"null", 4) == 0


cdef uint64_t _mix(uint64_t hashed, uint64_t word) noexcept nogil:
    hashed = (hashed ^ word) * <uint64_t>0x9E3779B97F4A7C15
    return hashed ^ (hashed >> 29)


cdef uint64_t _hash(Bytes minute, Bytes at, int64_t size) noexcept nogil:
    cdef uint64_t hashed = _mix(_mix(<uint64_t>size, word_at(minute)), word_at(minute + 8))
    cdef uint64_t tail = 0
    while size >= 8:
        hashed = _mix(hashed, word_at(at))
        at += 8
        size -= 8
    memcpy(&tail, at, size)
    return _mix(hashed, tail)


cdef class StandingTable:
    """Maps the bytes of a minute and standing to their index, so that equal bytes are decoded only once."""

    cdef list _standings, _keys
    cdef dict _indexes
    cdef Entry *_entries
    cdef Py_ssize_t _capacity, _entry_count

    def __cinit__(self):
        self._standings, self._keys, self._indexes = [], [], {}
        self._capacity = 1 << 12
        self._entries = <Entry *>calloc(self._capacity, sizeof(Entry))
        if self._entries == NULL:
            raise MemoryError()

    def __dealloc__(self):
        free(self._entries)

    cdef int32_t find(self, Bytes minute, Bytes at, int64_t size) noexcept nogil:
        """Return the index of a minute and standing; UNKNOWN if the table does not contain its bytes."""
        cdef Entry *entry = self._find_entry(_hash(minute, at, size), minute, at, size)
        return UNKNOWN if entry.key == NULL else entry.index

    cdef Entry *_find_entry(self, uint64_t hashed, Bytes minute, Bytes at, int64_t size) noexcept nogil:
        cdef Py_ssize_t index = <Py_ssize_t>(hashed & <uint64_t>(self._capacity - 1))
        cdef Entry *entry
        while True:
            entry = &self._entries[index]
            if entry.key == NULL or (
                entry.hash == hashed
                and entry.size == size
                and memcmp(entry.key, minute, MINUTE_BYTES) == 0
                and memcmp(entry.key + MINUTE_BYTES, at, size) == 0
            ):
                return entry
            index = (index + 1) & (self._capacity - 1)

    cdef int32_t find_or_add(self, Bytes minute, Bytes at, int64_t size) except? -9:
        """Return the index of a minute and standing, added if new; IN_PYTHON if they cannot be counted."""
        cdef int32_t index = self.find(minute, at, size)
        if index != UNKNOWN:
            return index
        if size > STANDING_BYTES_MAX:
            return IN_PYTHON
        try:
            standing = read_standing((<const char *>at)[:size])
        except UNDECODABLE:
            return IN_PYTHON
        text = (<const char *>minute)[:MINUTE_BYTES].decode("ascii")
        if uncountable_reason(text, standing) is not None:
            return IN_PYTHON
        minute_standing = (text, standing)
        index = self._indexes.setdefault(minute_standing, len(self._standings))
        if index == len(self._standings):
            self._standings.append(minute_standing)
        self._add_entry(minute, at, size, index)
        return index

    cdef int _add_entry(self, Bytes minute, Bytes at, int64_t size, int32_t index) except -1:
        if 2 * (self._entry_count + 1) > self._capacity:
            self._grow()
        key = (<const char *>minute)[:MINUTE_BYTES] + (<const char *>at)[:size]
        self._keys.append(key)
        cdef uint64_t hashed = _hash(minute, at, size)
        cdef Entry *entry = self._find_entry(hashed, minute, at, size)
        entry.hash, entry.size, entry.index = hashed, size, index
        entry.key = <Bytes><const char *>key
        self._entry_count += 1
        return 0

    cdef int _grow(self) except -1:
        cdef Py_ssize_t capacity = 2 * self._capacity
        cdef Py_ssize_t old, index
        cdef Entry *entries = <Entry *>calloc(capacity, sizeof(Entry))
        if entries == NULL:
            raise MemoryError()
        for old in range(self._capacity):
            if self._entries[old].key == NULL:
                continue
            index = <Py_ssize_t>(self._entries[old].hash & <uint64_t>(capacity - 1))
            while entries[index].key != NULL:
                index = (index + 1) & (capacity - 1)
            entries[index] = self._entries[old]
        free(self._entries)
        self._entries, self._capacity = entries, capacity
        return 0


cdef class Batch:
    """The events of one partition's batch as rows of numbers, and its records without a valid sequence."""

    cdef readonly list unsequenced
    cdef StandingTable _table
    cdef dict _python_events  # from a row's index to its event, which is folded in Python
    cdef Row *_rows
    cdef Py_ssize_t _count

    def __cinit__(self, StandingTable table, Py_ssize_t capacity):
        self.unsequenced, self._python_events, self._table = [], {}, table
        self._rows = <Row *>malloc(max(1, capacity) * sizeof(Row))
        if self._rows == NULL:
            raise MemoryError()

    def __dealloc__(self):
        free(self._rows)

    def fold(self, int64_t position, settled=()):
        """Fold the events from a position on; see `aggregator.domain.event_fold.fold`."""
        cdef Py_ssize_t standings = len(self._table._standings)
        cdef int64_t *sums = <int64_t *>calloc(max(1, standings), sizeof(int64_t))
        cdef uint8_t *touched = <uint8_t *>calloc(max(1, standings), 1)
        try:
            if sums == NULL or touched == NULL:
                raise MemoryError()
            return self._fold(position, settled, sums, touched, standings)
        finally:
            free(sums)
            free(touched)

    cdef object _fold(self, int64_t position, settled, int64_t *sums, uint8_t *touched, Py_ssize_t standings):
        cdef int64_t last = skip_settled(position, settled)
        cdef int64_t next_offset = -1
        cdef Py_ssize_t index, consumed = 0
        cdef bint has_settled = len(settled) > 0
        cdef Row *row
        cdef dict python_changes = {}
        cdef list quarantined = []
        for index in range(self._count):
            row = &self._rows[index]
            if row.sequence - 1 != last:
                continue
            last = row.sequence
            next_offset = row.offset + 1
            consumed += 1
            if row.after == IN_PYTHON:
                event = self._python_events[index]
                reason = event.reason if isinstance(event, BadEvent) else apply_event(event, python_changes)
                if reason is not None:
                    quarantined.append(Quarantined(row.sequence, row.offset, reason))
            else:
                if row.after != NO_STANDING:
                    sums[row.after] += 1
                    touched[row.after] = 1
                if row.before != NO_STANDING:
                    sums[row.before] -= 1
                    touched[row.before] = 1
            if has_settled:
                last = skip_settled(last, settled)
        return Fold(
            position,
            last,
            next_offset if consumed else None,
            self._standing_changes(sums, touched, standings, python_changes),
            self._gap(last) if consumed < self._count else None,
            tuple(quarantined),
            consumed - len(quarantined),
            self._count - consumed,
        )

    cdef dict _standing_changes(
        self, int64_t *sums, uint8_t *touched, Py_ssize_t standings, dict python_changes
    ):
        cdef Py_ssize_t index
        cdef dict changes = {}
        for index in range(standings):
            if touched[index]:
                changes[self._table._standings[index]] = sums[index]
        for minute_standing, number in python_changes.items():
            changes[minute_standing] = changes.get(minute_standing, 0) + number
        return changes

    cdef object _gap(self, int64_t last):
        cdef Py_ssize_t index
        cdef int64_t gap = 0
        cdef int64_t sequence
        for index in range(self._count):
            sequence = self._rows[index].sequence
            if sequence - 1 > last and (gap == 0 or sequence < gap):
                gap = sequence
        return gap or None


cdef class Decoder:
    """Decodes batches and keeps the standings of earlier batches. Threads must not share a decoder."""

    cdef StandingTable _table

    def __cinit__(self):
        self._table = StandingTable()

    def __call__(self, records, int64_t partition):
        """Decode the records of one partition: a Run, or any objects with an offset and a value."""
        cdef Run run = records if isinstance(records, Run) else _run_of(records)
        if self._table._entry_count > STANDINGS_MAX:
            self._table = StandingTable()  # earlier batches keep the old table
        cdef Batch batch = Batch(self._table, run._count)
        cdef Py_ssize_t index = 0
        while index < run._count:
            with nogil:
                index = self._read_plain_records(run, index, batch, partition)
            if index < run._count:
                self._read_with_python(&run._slots[index], batch, partition)
                index += 1
        return batch

    cdef Py_ssize_t _read_plain_records(
        self, Run run, Py_ssize_t index, Batch batch, int64_t partition
    ) noexcept nogil:
        """Read records while they are plain and their standings in the table; return the next index."""
        cdef ScannedEvent found
        cdef RecordSlot *slot
        cdef Row *row
        while index < run._count:
            slot = &run._slots[index]
            if slot.value == NULL or not _scan_event(slot.value, slot.value + slot.size, &found):
                return index
            if not _is_well_placed(&found, partition):
                return index
            row = &batch._rows[batch._count]
            row.before = row.after = NO_STANDING
            if not _is_null(found.before, found.before_size):
                row.before = self._table.find(found.time, found.before, found.before_size)
            if not _is_null(found.after, found.after_size):
                row.after = self._table.find(found.time, found.after, found.after_size)
            if row.before == UNKNOWN or row.after == UNKNOWN:
                return index
            row.sequence, row.offset = found.sequence, slot.offset
            batch._count += 1
            index += 1
        return index

    cdef int _read_with_python(self, RecordSlot *slot, Batch batch, int64_t partition) except -1:
        """Read a record that needs Python, either to add its standings to the table or to decode it."""
        cdef ScannedEvent found
        cdef Row *row = &batch._rows[batch._count]
        row.before = row.after = IN_PYTHON
        row.offset = slot.offset
        if slot.value != NULL and _scan_event(slot.value, slot.value + slot.size, &found):
            if _is_well_placed(&found, partition):
                row.sequence = found.sequence
                row.before = row.after = NO_STANDING
                if not _is_null(found.before, found.before_size):
                    row.before = self._table.find_or_add(found.time, found.before, found.before_size)
                if not _is_null(found.after, found.after_size):
                    row.after = self._table.find_or_add(found.time, found.after, found.after_size)
        if row.before == IN_PYTHON or row.after == IN_PYTHON:
            row.before = row.after = IN_PYTHON
            event = read_event(_value_of(slot), partition)
            if isinstance(event, QuarantineReason):
                batch.unsequenced.append(UnsequencedRecord(slot.offset, event))
                return 0
            row.sequence = event.sequence
            batch._python_events[batch._count] = event
        batch._count += 1
        return 0


cdef Run _run_of(records):
    cdef Run run = Run()
    for record in records:
        run.add(record.offset, record.value)
    return run
