# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# distutils: extra_compile_args = -O3
"""Records as bytes, and what they come to: the same results as `aggregator.decoding.decoder`'s pure way, in C.

It reads what it fully understands: plain JSON, in ASCII, without escapes. Any other record goes through
`aggregator.domain.event.read_event`, one by one, so that what is strange is judged in one place.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy

from aggregator.domain.counting import Fold, Quarantined, apply_event, skip_settled, uncountable
from aggregator.domain.event import BadEvent, QuarantineReason, StrayRecord, UNDECODABLE, read_event, read_standing

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
    /* The high bit of each byte that ends plain text: a quote, a backslash, a control byte, one beyond ASCII.
       Above the lowest such byte a borrow may set more: only the lowest is exact. */
    static inline uint64_t ends_in(uint64_t word) {
        return ((word - ALL(0x20)) | ((word ^ ALL(0x22)) - ALL(1)) | ((word ^ ALL(0x5c)) - ALL(1)) | word)
            & ALL(0x80);
    }
    static inline int lowest(uint64_t bits) { return __builtin_ctzll(bits) >> 3; }
    """
    uint64_t word_at(const uint8_t *where) noexcept nogil
    uint64_t ends_in(uint64_t word) noexcept nogil
    int lowest(uint64_t bits) noexcept nogil

ctypedef const uint8_t *Bytes

cdef enum:
    MINUTE_BYTES = 16
    NESTED_MAX = 16
    DIGITS_MAX = 18
    STANDING_BYTES_MAX = 1024
    # In place of a leaf's number: no standing; one that is counted the pure way; one not met before.
    NOBODY = -1
    ODD = -2
    UNKNOWN = -3

LEAVES_MAX = 1 << 15


cdef struct Slot:
    int64_t offset
    Bytes value  # NULL: the record has none
    int64_t size


cdef struct Found:
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
    Bytes key  # the minute, then the standing's bytes
    int64_t size
    int32_t leaf


cdef struct Row:
    int64_t sequence
    int64_t offset
    int32_t before
    int32_t after


cdef class Kept:
    """One record of a run, made when somebody looks at it."""

    cdef readonly int64_t offset
    cdef readonly object value

    def __init__(self, int64_t offset, value):
        self.offset = offset
        self.value = value


cdef class Run:
    """Records of one partition that follow each other, as places in the bytes they came in."""

    cdef list _buffers
    cdef Slot *_slots
    cdef Py_ssize_t _count, _room
    cdef int64_t _highest

    def __cinit__(self):
        self._buffers = []
        self._highest = -1

    def __dealloc__(self):
        free(self._slots)

    def __len__(self):
        return self._count

    def __getitem__(self, Py_ssize_t place):
        if place < 0:
            place += self._count
        if not 0 <= place < self._count:
            raise IndexError("no such record in the run")
        return Kept(self._slots[place].offset, _value_of(&self._slots[place]))

    @property
    def offset(self):
        """The highest offset in it, -1 in an empty run."""
        return self._highest

    def add(self, int64_t offset, bytes value):
        """Add one record."""
        self._make_room(1)
        cdef Slot *slot = &self._slots[self._count]
        slot.offset = offset
        slot.value, slot.size = NULL, 0
        if value is not None:
            slot.value, slot.size = <Bytes><const char *>value, len(value)
            self._buffers.append(value)
        self._count += 1
        self._highest = max(self._highest, offset)

    def add_batch(self, bytes data, int64_t base_offset, int64_t records):
        """Add the records of a batch of format 2, given decompressed.

        False, with nothing added, where the bytes are not exactly so many plain records with rising offsets.
        """
        cdef Bytes start = <Bytes><const char *>data
        cdef int64_t size = len(data)
        cdef bint plain
        if not 0 <= records <= size:  # no record is without a byte
            return False
        self._make_room(records)
        with nogil:
            plain = _records(start, start + size, base_offset, self._slots + self._count, records)
        if plain and records:
            self._buffers.append(data)
            self._count += records
            self._highest = max(self._highest, self._slots[self._count - 1].offset)
        return plain

    def extend(self, Run other):
        """Add the records of another run."""
        self._make_room(other._count)
        if other._count:
            memcpy(self._slots + self._count, other._slots, other._count * sizeof(Slot))
        self._count += other._count
        self._buffers += other._buffers
        self._highest = max(self._highest, other._highest)

    def part(self, Py_ssize_t start, Py_ssize_t stop):
        """The records from the place `start` to before the place `stop`."""
        cdef Run some = Run()
        cdef Py_ssize_t place
        some._make_room(max(0, min(stop, self._count) - start))
        for place in range(start, min(stop, self._count)):
            some._take(&self._slots[place])
        some._buffers = list(self._buffers)
        return some

    def since(self, int64_t offset):
        """The records with rising offsets from `offset` on."""
        cdef Run some = Run()
        cdef Py_ssize_t place
        if self._count and self._slots[0].offset >= offset and self._rises():
            return self
        some._make_room(self._count)
        for place in range(self._count):
            if self._slots[place].offset >= offset:
                some._take(&self._slots[place])
                offset = self._slots[place].offset + 1
        some._buffers = list(self._buffers)
        return some

    cdef bint _rises(self) noexcept:
        cdef Py_ssize_t place
        for place in range(1, self._count):
            if self._slots[place].offset <= self._slots[place - 1].offset:
                return False
        return True

    cdef void _take(self, Slot *slot) noexcept:
        self._slots[self._count] = slot[0]
        self._count += 1
        self._highest = max(self._highest, slot.offset)

    cdef int _make_room(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t room = self._count + more
        cdef Slot *slots
        if room <= self._room:
            return 0
        room = max(room, 2 * self._room)
        slots = <Slot *>realloc(self._slots, room * sizeof(Slot))
        if slots == NULL:
            raise MemoryError()
        self._slots = slots
        self._room = room
        return 0


cdef object _value_of(Slot *slot):
    return None if slot.value == NULL else (<const char *>slot.value)[:slot.size]


cdef inline Bytes _varint(Bytes at, Bytes end, int64_t *number) noexcept nogil:
    """A zigzag varint of at most five bytes, as lengths and offsets are; NULL where there is none."""
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


cdef inline Bytes _past_varint(Bytes at, Bytes end) noexcept nogil:
    """Pass over one of at most ten bytes, as times are."""
    cdef Bytes stop = end if end - at < 10 else at + 10
    while at < stop:
        if at[0] < 0x80:
            return at + 1
        at += 1
    return NULL


cdef inline Bytes _past_bytes(Bytes at, Bytes end, Slot *slot) noexcept nogil:
    """Pass over a length and so many bytes, which `slot` gets; a length of -1 says there are none."""
    cdef int64_t size
    at = _varint(at, end, &size)
    if at == NULL or size < -1 or size > end - at:
        return NULL
    slot.value, slot.size = at, size
    if size < 0:
        slot.value, slot.size = NULL, 0
    return at + slot.size


cdef bint _records(Bytes at, Bytes end, int64_t base_offset, Slot *slots, int64_t count) noexcept nogil:
    """Whether the bytes are exactly so many plain records with rising offsets, which `slots` get."""
    cdef int64_t place
    for place in range(count):
        at = _record(at, end, base_offset, &slots[place])
        if at == NULL or (place and slots[place].offset <= slots[place - 1].offset):
            return False
    return at == end


cdef Bytes _record(Bytes at, Bytes end, int64_t base_offset, Slot *slot) noexcept nogil:
    """Read one record of format 2: length, attributes, time, offset, key, value, headers; NULL if it is none."""
    cdef int64_t size, delta, headers
    cdef Bytes stop
    cdef Slot header
    at = _varint(at, end, &size)
    if at == NULL or size < 1 or size > end - at:
        return NULL
    stop = at + size
    if at[0] >= 0x80:  # attributes: aiokafka takes them for a varint
        return NULL
    at = _past_varint(at + 1, stop)
    if at != NULL:
        at = _varint(at, stop, &delta)
    if at != NULL:
        at = _past_bytes(at, stop, slot)
    if at != NULL:
        at = _past_bytes(at, stop, slot)
    if at != NULL:
        at = _varint(at, stop, &headers)
    if at == NULL or headers < 0 or delta < 0:
        return NULL
    while headers and at != NULL:
        at = _past_bytes(at, stop, &header)
        if at == NULL or header.value == NULL or not _is_ascii(header.value, header.size):
            return NULL
        at = _past_bytes(at, stop, &header)
        headers -= 1
    slot.offset = base_offset + delta
    return at if at == stop else NULL


cdef bint _is_ascii(Bytes at, int64_t size) noexcept nogil:
    cdef int64_t place
    for place in range(size):
        if at[place] >= 0x80:
            return False
    return True


cdef inline Bytes _blank(Bytes at, Bytes end) noexcept nogil:
    while at < end and (at[0] == c' ' or at[0] == c'\t' or at[0] == c'\n' or at[0] == c'\r'):
        at += 1
    return at


cdef inline Bytes _text(Bytes at, Bytes end) noexcept nogil:
    """The closing quote of a text that begins at `at`; NULL where it is not plain, or does not end."""
    cdef uint64_t ends
    while end - at >= 8:
        ends = ends_in(word_at(at))
        if ends:
            at += lowest(ends)
            return at if at[0] == c'"' else NULL
        at += 8
    while at < end:
        if at[0] == c'"':
            return at
        if at[0] < 0x20 or at[0] >= 0x80 or at[0] == c'\\':
            return NULL
        at += 1
    return NULL


cdef inline Bytes _whole(Bytes at, Bytes end, int64_t *number) noexcept nogil:
    """A whole number of few digits, not below zero; what follows it is not looked at."""
    cdef Bytes start = at
    cdef int64_t read = 0
    while at < end and c'0' <= at[0] <= c'9' and at - start < DIGITS_MAX:
        read = 10 * read + (at[0] - c'0')
        at += 1
    if at == start or (start[0] == c'0' and at - start > 1):
        return NULL
    number[0] = read
    return at


cdef inline Bytes _word(Bytes at, Bytes end, const char *word, int size) noexcept nogil:
    return at + size if end - at >= size and memcmp(at, word, size) == 0 else NULL


cdef inline Bytes _key(Bytes at, Bytes end, Bytes *key, int64_t *size) noexcept nogil:
    """A key and its colon: where its value begins."""
    if at >= end or at[0] != c'"':
        return NULL
    key[0] = at + 1
    at = _text(at + 1, end)
    if at == NULL:
        return NULL
    size[0] = at - key[0]
    at = _blank(at + 1, end)
    return _blank(at + 1, end) if at < end and at[0] == c':' else NULL


cdef inline Bytes _next(Bytes at, Bytes end, uint8_t closing, bint *closed) noexcept nogil:
    """What follows a value: a comma and the next one's begin, or the closing bracket and what lies behind."""
    at = _blank(at, end)
    if at >= end:
        return NULL
    closed[0] = at[0] == closing
    if closed[0]:
        return at + 1
    return _blank(at + 1, end) if at[0] == c',' else NULL


cdef Bytes _value(Bytes at, Bytes end, int nested) noexcept nogil:
    """Pass over any plain value; NULL where it is not plain."""
    cdef int64_t number
    cdef Bytes key
    cdef bint closed = False
    cdef bint named
    if at >= end or nested > NESTED_MAX:
        return NULL
    if at[0] == c'"':
        at = _text(at + 1, end)
        return at + 1 if at != NULL else at
    if c'0' <= at[0] <= c'9':
        return _whole(at, end, &number)
    if at[0] == c'-':  # a minus before zero is left to the other decoder
        return _whole(at + 1, end, &number) if end - at > 1 and at[1] != c'0' else NULL
    if at[0] == c'n':
        return _word(at, end, b"null", 4)
    if at[0] == c't':
        return _word(at, end, b"true", 4)
    if at[0] == c'f':
        return _word(at, end, b"false", 5)
    if at[0] != c'{' and at[0] != c'[':
        return NULL
    named = at[0] == c'{'
    at = _blank(at + 1, end)
    if at < end and at[0] == (c'}' if named else c']'):
        return at + 1
    while not closed:
        if named:
            at = _key(at, end, &key, &number)
        if at != NULL:
            at = _value(at, end, nested + 1)
        if at != NULL:
            at = _next(at, end, c'}' if named else c']', &closed)
        if at == NULL:
            return NULL
    return at


cdef Bytes _data(Bytes at, Bytes end, Found *found) noexcept nogil:
    """Pass over the event's data, and find what stood before and after."""
    cdef Bytes key, start
    cdef int64_t size
    cdef bint closed = False
    found.before = found.after = NULL
    if at >= end or at[0] != c'{':
        return NULL
    at = _blank(at + 1, end)
    while not closed:
        at = _key(at, end, &key, &size)
        if at == NULL:
            return NULL
        start = at
        at = _value(at, end, 2)
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
        at = _next(at, end, c'}', &closed)
        if at == NULL:
            return NULL
    return at if found.before != NULL and found.after != NULL else NULL


cdef bint _scan(Bytes at, Bytes end, Found *found) noexcept nogil:
    """Find the parts of a plain event that count; False where anything else is needed to read it."""
    cdef Bytes key
    cdef int64_t size
    cdef bint closed = False
    cdef int seen = 0
    cdef int one
    at = _blank(at, end)
    if at >= end or at[0] != c'{':
        return False
    at = _blank(at + 1, end)
    while not closed:
        at = _key(at, end, &key, &size)
        if at == NULL:
            return False
        one = 0
        if size == 4 and memcmp(key, b"time", 4) == 0:
            one = 1
            if at >= end or at[0] != c'"':
                return False
            found.time = at + 1
            at = _text(at + 1, end)
            if at == NULL:
                return False
            found.time_size = at - found.time
            at += 1
        elif size == 4 and memcmp(key, b"data", 4) == 0:
            one = 2
            at = _data(at, end, found)
        elif size == 8 and memcmp(key, b"sequence", 8) == 0:
            one = 4
            at = _whole(at, end, &found.sequence)
        elif size == 9 and memcmp(key, b"partition", 9) == 0:
            one = 8
            at = _whole(at, end, &found.partition)
        else:
            at = _value(at, end, 1)
        if at == NULL or seen & one:
            return False
        seen |= one
        at = _next(at, end, c'}', &closed)
        if at == NULL:
            return False
    return _blank(at, end) == end and seen == 15 and found.sequence > 0


cdef inline bint _is_placed(Found *found, int64_t partition) noexcept nogil:
    """Whether it lies in its partition, and its time may be one: a minute, more, and Z."""
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


cdef class Leaves:
    """Leaves met so far, each with a number: by its bytes, so that equal bytes are decoded once."""

    cdef list _leaves, _keys
    cdef dict _numbers
    cdef Entry *_entries
    cdef Py_ssize_t _room, _used

    def __cinit__(self):
        self._leaves, self._keys, self._numbers = [], [], {}
        self._room = 1 << 12
        self._entries = <Entry *>calloc(self._room, sizeof(Entry))
        if self._entries == NULL:
            raise MemoryError()

    def __dealloc__(self):
        free(self._entries)

    cdef int32_t find(self, Bytes minute, Bytes at, int64_t size) noexcept nogil:
        """The number of a leaf, UNKNOWN where its bytes were not met before."""
        cdef Entry *entry = self._place(_hash(minute, at, size), minute, at, size)
        return UNKNOWN if entry.key == NULL else entry.leaf

    cdef Entry *_place(self, uint64_t hashed, Bytes minute, Bytes at, int64_t size) noexcept nogil:
        cdef Py_ssize_t place = <Py_ssize_t>(hashed & <uint64_t>(self._room - 1))
        cdef Entry *entry
        while True:
            entry = &self._entries[place]
            if entry.key == NULL or (
                entry.hash == hashed
                and entry.size == size
                and memcmp(entry.key, minute, MINUTE_BYTES) == 0
                and memcmp(entry.key + MINUTE_BYTES, at, size) == 0
            ):
                return entry
            place = (place + 1) & (self._room - 1)

    cdef int32_t learn(self, Bytes minute, Bytes at, int64_t size) except? -9:
        """The number of a leaf, decoded where it is new; ODD where it cannot be counted."""
        cdef int32_t number = self.find(minute, at, size)
        if number != UNKNOWN:
            return number
        if size > STANDING_BYTES_MAX:
            return ODD
        try:
            standing = read_standing((<const char *>at)[:size])
        except UNDECODABLE:
            return ODD
        text = (<const char *>minute)[:MINUTE_BYTES].decode("ascii")
        if uncountable(text, standing) is not None:
            return ODD
        leaf = (text, standing)
        number = self._numbers.setdefault(leaf, len(self._leaves))
        if number == len(self._leaves):
            self._leaves.append(leaf)
        self._remember(minute, at, size, number)
        return number

    cdef int _remember(self, Bytes minute, Bytes at, int64_t size, int32_t number) except -1:
        if 2 * (self._used + 1) > self._room:
            self._grow()
        key = (<const char *>minute)[:MINUTE_BYTES] + (<const char *>at)[:size]
        self._keys.append(key)
        cdef uint64_t hashed = _hash(minute, at, size)
        cdef Entry *entry = self._place(hashed, minute, at, size)
        entry.hash, entry.size, entry.leaf = hashed, size, number
        entry.key = <Bytes><const char *>key
        self._used += 1
        return 0

    cdef int _grow(self) except -1:
        cdef Py_ssize_t room = 2 * self._room
        cdef Py_ssize_t old, place
        cdef Entry *entries = <Entry *>calloc(room, sizeof(Entry))
        if entries == NULL:
            raise MemoryError()
        for old in range(self._room):
            if self._entries[old].key == NULL:
                continue
            place = <Py_ssize_t>(self._entries[old].hash & <uint64_t>(room - 1))
            while entries[place].key != NULL:
                place = (place + 1) & (room - 1)
            entries[place] = self._entries[old]
        free(self._entries)
        self._entries, self._room = entries, room
        return 0


cdef class Batch:
    """The events of one partition's batch as rows of numbers, and its records without a place."""

    cdef readonly list strays
    cdef Leaves _leaves
    cdef dict _odd  # row number: event that is counted the pure way
    cdef Row *_rows
    cdef Py_ssize_t _count

    def __cinit__(self, Leaves leaves, Py_ssize_t room):
        self.strays, self._odd, self._leaves = [], {}, leaves
        self._rows = <Row *>malloc(max(1, room) * sizeof(Row))
        if self._rows == NULL:
            raise MemoryError()

    def __dealloc__(self):
        free(self._rows)

    def fold(self, int64_t position, set_aside=()):
        """What `aggregator.domain.counting.fold` gives for these events."""
        cdef Py_ssize_t leaves = len(self._leaves._leaves)
        cdef int64_t *sums = <int64_t *>calloc(max(1, leaves), sizeof(int64_t))
        cdef uint8_t *met = <uint8_t *>calloc(max(1, leaves), 1)
        try:
            if sums == NULL or met == NULL:
                raise MemoryError()
            return self._fold(position, set_aside, sums, met, leaves)
        finally:
            free(sums)
            free(met)

    cdef object _fold(self, int64_t position, set_aside, int64_t *sums, uint8_t *met, Py_ssize_t leaves):
        cdef int64_t last = skip_settled(position, set_aside)
        cdef int64_t next_offset = -1
        cdef Py_ssize_t place, taken = 0
        cdef bint any_aside = len(set_aside) > 0
        cdef Row *row
        cdef dict odd_leaves = {}
        cdef list quarantined = []
        for place in range(self._count):
            row = &self._rows[place]
            if row.sequence - 1 != last:
                continue
            last = row.sequence
            next_offset = row.offset + 1
            taken += 1
            if row.after == ODD:
                event = self._odd[place]
                reason = event.reason if isinstance(event, BadEvent) else apply_event(event, odd_leaves)
                if reason is not None:
                    quarantined.append(Quarantined(row.sequence, row.offset, reason))
            else:
                if row.after != NOBODY:
                    sums[row.after] += 1
                    met[row.after] = 1
                if row.before != NOBODY:
                    sums[row.before] -= 1
                    met[row.before] = 1
            if any_aside:
                last = skip_settled(last, set_aside)
        return Fold(
            position,
            last,
            next_offset if taken else None,
            self._named(sums, met, leaves, odd_leaves),
            self._gap(last) if taken < self._count else None,
            tuple(quarantined),
            taken - len(quarantined),
            self._count - taken,
        )

    cdef dict _named(self, int64_t *sums, uint8_t *met, Py_ssize_t leaves, dict odd_leaves):
        cdef Py_ssize_t number
        cdef dict named = {}
        for number in range(leaves):
            if met[number]:
                named[self._leaves._leaves[number]] = sums[number]
        for leaf, sum_of_it in odd_leaves.items():
            named[leaf] = named.get(leaf, 0) + sum_of_it
        return named

    cdef object _gap(self, int64_t last):
        cdef Py_ssize_t place
        cdef int64_t gap = 0
        cdef int64_t sequence
        for place in range(self._count):
            sequence = self._rows[place].sequence
            if sequence - 1 > last and (gap == 0 or sequence < gap):
                gap = sequence
        return gap or None


cdef class Decoder:
    """Decodes batches, one after another, with what it learnt from those before. Not for two threads at once."""

    cdef Leaves _leaves

    def __cinit__(self):
        self._leaves = Leaves()

    def __call__(self, records, int64_t partition):
        """Decode the records of one partition: a run, or any that have an offset and a value."""
        cdef Run run = records if isinstance(records, Run) else _run_of(records)
        if self._leaves._used > LEAVES_MAX:
            self._leaves = Leaves()  # batches decoded before keep theirs
        cdef Batch batch = Batch(self._leaves, run._count)
        cdef Py_ssize_t place = 0
        while place < run._count:
            with nogil:
                place = self._read_plain(run, place, batch, partition)
            if place < run._count:
                self._read(&run._slots[place], batch, partition)
                place += 1
        return batch

    cdef Py_ssize_t _read_plain(
        self, Run run, Py_ssize_t place, Batch batch, int64_t partition
    ) noexcept nogil:
        """Read on while records are plain and their leaves known; the place of the first that is not so."""
        cdef Found found
        cdef Slot *slot
        cdef Row *row
        while place < run._count:
            slot = &run._slots[place]
            if slot.value == NULL or not _scan(slot.value, slot.value + slot.size, &found):
                return place
            if not _is_placed(&found, partition):
                return place
            row = &batch._rows[batch._count]
            row.before = row.after = NOBODY
            if not _is_null(found.before, found.before_size):
                row.before = self._leaves.find(found.time, found.before, found.before_size)
            if not _is_null(found.after, found.after_size):
                row.after = self._leaves.find(found.time, found.after, found.after_size)
            if row.before == UNKNOWN or row.after == UNKNOWN:
                return place
            row.sequence, row.offset = found.sequence, slot.offset
            batch._count += 1
            place += 1
        return place

    cdef int _read(self, Slot *slot, Batch batch, int64_t partition) except -1:
        """Read one record that needs Python: to learn its leaves, or for all of it."""
        cdef Found found
        cdef Row *row = &batch._rows[batch._count]
        row.before = row.after = ODD
        row.offset = slot.offset
        if slot.value != NULL and _scan(slot.value, slot.value + slot.size, &found):
            if _is_placed(&found, partition):
                row.sequence = found.sequence
                row.before = row.after = NOBODY
                if not _is_null(found.before, found.before_size):
                    row.before = self._leaves.learn(found.time, found.before, found.before_size)
                if not _is_null(found.after, found.after_size):
                    row.after = self._leaves.learn(found.time, found.after, found.after_size)
        if row.before == ODD or row.after == ODD:
            row.before = row.after = ODD
            event = read_event(_value_of(slot), partition)
            if isinstance(event, QuarantineReason):
                batch.strays.append(StrayRecord(slot.offset, event))
                return 0
            row.sequence = event.sequence
            batch._odd[batch._count] = event
        batch._count += 1
        return 0


cdef Run _run_of(records):
    cdef Run run = Run()
    for record in records:
        run.add(record.offset, record.value)
    return run
