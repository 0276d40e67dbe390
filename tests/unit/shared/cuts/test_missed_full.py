"""A reader that lacks the newest full record goes back to it, once."""

from cuts.missed_full import MissedFull
from tests.support.samples.cuts import cut_record, row


def test_a_reader_that_starts_behind_the_first_part_goes_back_to_it() -> None:
    missed = MissedFull()

    assert missed.seek_after(cut_record(2, part=1, parts=2, rows=(row("31", 2),))) is None
    assert missed.seek_after(cut_record(2, base=2, full_offset=7, rows=())) == 7
    assert missed.seek_after(cut_record(2, part=0, parts=2, rows=(row("31", 2),))) is None
    assert missed.seek_after(cut_record(2, part=1, parts=2, rows=(row("31", 2),))) is None
    assert missed.seek_after(cut_record(3, base=2, full_offset=7, rows=())) is None


def test_a_reader_that_lacks_the_base_of_a_change_goes_back() -> None:
    missed = MissedFull()
    missed.seek_after(cut_record(1, rows=(row("31", 1),)))

    assert missed.seek_after(cut_record(3, base=2, full_offset=0, rows=())) == 0


def test_a_full_record_is_sought_once_so_that_a_damaged_one_is_not_read_in_a_circle() -> None:
    missed = MissedFull()

    assert missed.seek_after(cut_record(2, base=1, full_offset=5, rows=())) == 5
    assert missed.seek_after(cut_record(2, base=1, full_offset=5, rows=())) is None
    assert missed.seek_after(cut_record(3, base=2, full_offset=9, rows=())) == 9


def test_without_a_full_record_in_the_topic_the_reader_reads_on() -> None:
    assert MissedFull().seek_after(cut_record(2, base=1, rows=())) is None
