"""The compiled decoder: folds straight runs of plain events without an object per record.

A run that is not straight or has an event that is not plain is left to `aggregator.decoding.batch_decoder`.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcmp, memcpy, memset

cimport cython

from aggregator.decoding.compiled.event_scan cimport ScannedEvent, is_null, scan_event
from aggregator.decoding.compiled.json_tokens cimport Bytes, word_at
from aggregator.decoding.compiled.record_batch cimport RecordSlot, Run

from aggregator.domain.event import STANDING_BYTES_MAX, UNDECODABLE, read_standing
from aggregator.domain.event_fold import Fold, uncountable_reason

cdef extern from *:
    """
    #ifndef SOURCE_DIGEST
    #define SOURCE_DIGEST ""
    #endif
    """
    const char *SOURCE_DIGEST

cdef enum:
    # The index of a standing in StandingTable, or one of these two values.
    NO_STANDING = -1
    UNKNOWN = -2

STANDINGS_MAX = 1 << 15
BUILT_FROM = SOURCE_DIGEST.decode()
"""The digest of the sources from which this module was built."""


cdef struct Entry:
    uint64_t hash
    Bytes key  # the standing's bytes
    int64_t size
    int32_t index


cdef struct Sum:
    int64_t number
    bint touched


cdef uint64_t _mix(uint64_t hashed, uint64_t word) noexcept nogil:
    hashed = (hashed ^ word) * <uint64_t>0x9E3779B97F4A7C15
    return hashed ^ (hashed >> 29)


cdef uint64_t _hash(Bytes at, int64_t size) noexcept nogil:
    cdef uint64_t hashed = <uint64_t>size
    cdef uint64_t tail = 0
    while size >= 8:
        hashed = _mix(hashed, word_at(at))
        at += 8
        size -= 8
    memcpy(&tail, at, size)
    return _mix(hashed, tail)


@cython.final
cdef class StandingTable:
    """Sums per standing. It finds a standing by its bytes, so that equal bytes are decoded only once."""

    cdef list _standings, _keys
    cdef dict _indexes
    cdef Entry *_entries
    cdef Sum *_sums
    cdef Py_ssize_t _capacity, entry_count

    def __cinit__(self):
        self._standings, self._keys, self._indexes = [], [], {}
        self._grow(1 << 12)

    def __dealloc__(self):
        free(self._entries)
        free(self._sums)

    cdef int32_t find(self, Bytes at, int64_t size) noexcept nogil:
        """Return the index of a standing: NO_STANDING for null, UNKNOWN for bytes that are not in the table."""
        if is_null(at, size):
            return NO_STANDING
        cdef Entry *entry = self._find_entry(_hash(at, size), at, size)
        return UNKNOWN if entry.key == NULL else entry.index

    cdef Entry *_find_entry(self, uint64_t hashed, Bytes at, int64_t size) noexcept nogil:
        cdef Py_ssize_t index = <Py_ssize_t>(hashed & <uint64_t>(self._capacity - 1))
        cdef Entry *entry
        while True:
            entry = &self._entries[index]
            if entry.key == NULL or (
                entry.hash == hashed
                and entry.size == size
                and memcmp(entry.key, at, size) == 0
            ):
                return entry
            index = (index + 1) & (self._capacity - 1)

    cdef bint add(self, Bytes at, int64_t size) except -1:
        """Add a standing if the table does not have it; False if it cannot be counted."""
        if self.find(at, size) != UNKNOWN:
            return True
        if size > STANDING_BYTES_MAX:
            return False
        json = (<const char *>at)[:size]
        try:
            standing = read_standing(json)
        except UNDECODABLE:
            return False
        if uncountable_reason(standing) is not None:
            return False
        if 2 * (self.entry_count + 1) > self._capacity:
            self._grow(2 * self._capacity)
        cdef int32_t index = self._indexes.setdefault(standing, len(self._standings))
        if index == len(self._standings):
            self._standings.append(standing)
        self._keys.append(json)
        cdef uint64_t hashed = _hash(at, size)
        cdef Entry *entry = self._find_entry(hashed, at, size)
        entry.hash, entry.size, entry.index = hashed, size, index
        entry.key = <Bytes><const char *>json
        self.entry_count += 1
        return True

    cdef int _grow(self, Py_ssize_t capacity) except -1:
        """Make room for `capacity` entries, a power of two."""
        cdef Py_ssize_t old, index
        cdef Sum *sums = <Sum *>realloc(self._sums, capacity * sizeof(Sum))
        if sums == NULL:
            raise MemoryError()
        memset(sums + self._capacity, 0, (capacity - self._capacity) * sizeof(Sum))
        self._sums = sums
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

    cdef void clear_sums(self) noexcept:
        memset(self._sums, 0, len(self._standings) * sizeof(Sum))

    cdef inline void sum(self, int32_t index, int number) noexcept nogil:
        if index != NO_STANDING:
            self._sums[index].number += number
            self._sums[index].touched = True

    cdef dict sums(self):
        """Return the sums since `clear_sums`."""
        cdef Py_ssize_t index
        cdef dict sums = {}
        for index in range(len(self._standings)):
            if self._sums[index].touched:
                sums[self._standings[index]] = self._sums[index].number
        return sums


@cython.final
cdef class Decoder:
    """Folds straight runs and keeps the standings of earlier runs. Threads must not share a decoder."""

    cdef StandingTable _table

    def __cinit__(self):
        self._table = StandingTable()

    def fold_straight_run(self, records, int64_t partition):
        """Fold a Run, or any records, as `domain.straight_run` does; None also if an event is not plain."""
        cdef Run run = records if isinstance(records, Run) else _run_of(records)
        cdef ScannedEvent first
        cdef Py_ssize_t index = 0
        if run.count == 0 or not _scan(&run.slots[0], partition, &first):
            return None
        if self._table.entry_count > STANDINGS_MAX:
            self._table = StandingTable()
        self._table.clear_sums()
        while True:
            with nogil:
                index = self._sum_known(run, index, partition, first.sequence)
            if index == run.count:
                break
            if not self._add_standings(&run.slots[index], partition, first.sequence + index):
                return None
        cdef object position = first.sequence - 1
        cdef object last_offset = run.slots[run.count - 1].offset
        return Fold(position, position + run.count, last_offset + 1, self._table.sums(), counted=run.count)

    cdef Py_ssize_t _sum_known(
        self, Run run, Py_ssize_t index, int64_t partition, int64_t first
    ) noexcept nogil:
        """Sum the next events while they are plain, in sequence and of standings in the table; return the next."""
        cdef ScannedEvent found
        cdef int32_t before, after
        while index < run.count:
            if not _scan(&run.slots[index], partition, &found) or found.sequence != first + index:
                return index
            before = self._table.find(found.before, found.before_size)
            after = self._table.find(found.after, found.after_size)
            if before == UNKNOWN or after == UNKNOWN:
                return index
            self._table.sum(before, -1)
            self._table.sum(after, 1)
            index += 1
        return index

    cdef bint _add_standings(self, RecordSlot *slot, int64_t partition, int64_t sequence) except -1:
        """Add an event's standings to the table; False if the event is not next, not plain or cannot be counted."""
        cdef ScannedEvent found
        return (
            _scan(slot, partition, &found)
            and found.sequence == sequence
            and self._table.add(found.before, found.before_size)
            and self._table.add(found.after, found.after_size)
        )


cdef inline bint _scan(RecordSlot *slot, int64_t partition, ScannedEvent *found) noexcept nogil:
    return slot.value != NULL and scan_event(slot.value, slot.value + slot.size, partition, found)


cdef Run _run_of(records):
    cdef Run run = Run()
    for record in records:
        run.add(record.offset, record.value)
    return run
