from libc.stdint cimport int64_t

from aggregator.decoding.compiled.json_tokens cimport Bytes


cdef struct RecordSlot:
    int64_t offset
    Bytes value  # NULL if the record has no value
    int64_t size


cdef class Run:
    cdef list _buffers
    cdef RecordSlot *slots
    cdef Py_ssize_t count
    cdef Py_ssize_t _capacity
    cdef int64_t _highest

    cdef bint _offsets_rise(self) noexcept
    cdef void _append_slot(self, RecordSlot *slot) noexcept
    cdef int _reserve(self, Py_ssize_t more) except -1
