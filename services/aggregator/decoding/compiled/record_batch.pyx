"""Runs of records as pointers into the fetched bytes, and the reader of Kafka's record batches of format 2."""

from libc.stdint cimport INT64_MAX, int64_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from aggregator.decoding.compiled.json_tokens cimport Bytes


cdef class RunRecord:
    """One record of a run, created on access."""

    cdef readonly int64_t offset
    cdef readonly object value

    def __init__(self, int64_t offset, value):
        self.offset = offset
        self.value = value


cdef class Run:
    """Successive records of one partition, as pointers into the fetched bytes."""

    def __cinit__(self):
        self._buffers = []
        self._highest = -1

    def __dealloc__(self):
        free(self.slots)

    def __len__(self):
        return self.count

    def __getitem__(self, Py_ssize_t index):
        if index < 0:
            index += self.count
        if not 0 <= index < self.count:
            raise IndexError("no such record in the run")
        return RunRecord(self.slots[index].offset, _value_of(&self.slots[index]))

    @property
    def offset(self):
        """The highest offset of the run; -1 if the run is empty."""
        return self._highest

    def add(self, int64_t offset, bytes value):
        """Add one record."""
        self._reserve(1)
        cdef RecordSlot *slot = &self.slots[self.count]
        slot.offset = offset
        slot.value, slot.size = NULL, 0
        if value is not None:
            slot.value, slot.size = <Bytes><const char *>value, len(value)
            self._buffers.append(value)
        self.count += 1
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
            plain = _read_records(start, start + size, base_offset, self.slots + self.count, records)
        if plain and records:
            self._buffers.append(data)
            self.count += records
            self._highest = max(self._highest, self.slots[self.count - 1].offset)
        return plain

    def extend(self, Run other):
        """Append the records of another run."""
        self._reserve(other.count)
        if other.count:
            memcpy(self.slots + self.count, other.slots, other.count * sizeof(RecordSlot))
        self.count += other.count
        self._buffers += other._buffers
        self._highest = max(self._highest, other._highest)

    def part(self, Py_ssize_t start, Py_ssize_t stop):
        """Return those of the records `start` to `stop` - 1 that the run has."""
        cdef Run part = Run()
        cdef Py_ssize_t index
        start = max(0, start)
        stop = max(start, min(stop, self.count))
        part._reserve(stop - start)
        for index in range(start, stop):
            part._append_slot(&self.slots[index])
        part._buffers = list(self._buffers)
        return part

    def since(self, int64_t offset):
        """Return the records from `offset` on.

        Records whose offset repeats an earlier record's, or is lower than it, are left out.
        """
        cdef Run part = Run()
        cdef Py_ssize_t index
        if self.count and self.slots[0].offset >= offset and self._offsets_rise():
            return self
        part._reserve(self.count)
        for index in range(self.count):
            if self.slots[index].offset >= offset and (
                part.count == 0 or self.slots[index].offset > part.slots[part.count - 1].offset
            ):
                part._append_slot(&self.slots[index])
        part._buffers = list(self._buffers)
        return part

    cdef bint _offsets_rise(self) noexcept:
        cdef Py_ssize_t index
        for index in range(1, self.count):
            if self.slots[index].offset <= self.slots[index - 1].offset:
                return False
        return True

    cdef void _append_slot(self, RecordSlot *slot) noexcept:
        self.slots[self.count] = slot[0]
        self.count += 1
        self._highest = max(self._highest, slot.offset)

    cdef int _reserve(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t capacity = self.count + more
        cdef RecordSlot *slots
        if capacity <= self._capacity:
            return 0
        capacity = max(capacity, 2 * self._capacity)
        slots = <RecordSlot *>realloc(self.slots, capacity * sizeof(RecordSlot))
        if slots == NULL:
            raise MemoryError()
        self.slots = slots
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
    if at == NULL or headers < 0 or delta < 0 or base_offset > INT64_MAX - delta:
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
