"""The planted bugs of the figures around the counts."""

from __future__ import annotations

from typing import Final

from aggregator.domain import cut_record
from aggregator.publishing import minute_keeper
from aggregator.publishing.minute_keeper import MinuteKeeper
from aggregator.publishing.minute_publisher import MinutePublisher
from aggregator.publishing.publisher_cycle import PublishCycle
from aggregator.rebuild.shadow_set import ShadowSet
from aggregator.rebuild.tally_rebuild import TallyRebuild
from cuts.freshness import Freshness
from faults.planted.bug import PlantedBug
from faults.planted.patches import Patch
from faults.planted.replacements import figures
from notifier import cut_follower
from notifier.cut_evaluator import CutEvaluator
from notifier.delivery_queue import DeliveryQueue
from registration.audit.auditor import Auditor
from registration.relay import partition_rewinder
from registration.relay.partition_rewinder import StallRewinder

PUBLISHERS: Final = ("publisher", "publisher-2")

EMPTY_EPOCH: Final = PlantedBug(
    name="empty-epoch",
    processes=PUBLISHERS,
    faults=("`registration recover` while no relay runs",),
    invariant=3,
    symptom="a cut of the new epoch with positions below those of the cut before it",
    patches=(
        Patch(
            ShadowSet,
            "required",
            figures.require_nothing_in_a_new_epoch,
            TallyRebuild._count_until_swapped,
        ),
    ),
)
NEWEST_CUT_ONLY: Final = PlantedBug(
    name="newest-cut-only",
    processes=("notifier",),
    faults=("the notifier killed, a threshold reached and left again, the notifier back",),
    invariant=4,
    symptom="a threshold that a published cut reached has no latch",
    patches=(Patch(CutEvaluator, "wait_until_evaluated", figures.do_not_wait, cut_follower.follow),),
)
WEBHOOKS_FIRST: Final = PlantedBug(
    name="webhooks-first",
    processes=("notifier",),
    faults=("a webhook receiver that hangs for 15 s or more while milestones are reached",),
    invariant=9,
    symptom="e-mails that arrive more than 10 s after their milestone was latched",
    patches=(Patch(DeliveryQueue, "send_next_once", figures.send_webhooks_first, DeliveryQueue._run),),
)
SILENT_AUDIT: Final = PlantedBug(
    name="silent-audit",
    processes=("audit", "board", "board-2"),
    faults=("more than 1,000 quarantined events for more than 75 s",),
    invariant=8,
    symptom="the page says drift 0 although the last audit is more than a minute old",
    patches=(
        Patch(Auditor, "_audit_newest", figures.audit_few_quarantined, Auditor.audit_once),
        Patch(Freshness, "_audited", figures.audited_once, Freshness.view),
    ),
)
COPIED_BACKLOG: Final = PlantedBug(
    name="copied-backlog",
    processes=("relay", "relay-2"),
    faults=("no worker for 40 s or more under load",),
    invariant=10,
    symptom="the event topic gets the whole backlog again after 10, 30, 70 … s",
    patches=(
        Patch(partition_rewinder, "rewind_target", figures.rewind_to_the_position, StallRewinder._repair),
    ),
)
WRONG_MINUTES: Final = PlantedBug(
    name="wrong-minutes",
    processes=PUBLISHERS,
    faults=("none is needed: each minute is wrong",),
    invariant=8,
    symptom="a minute whose growth differs from the events between its two cuts",
    patches=(Patch(minute_keeper, "write_minutes", figures.write_minutes_with_too_much, MinuteKeeper.keep),),
)
OWN_CLOCK: Final = PlantedBug(
    name="own-clock",
    processes=PUBLISHERS,
    faults=("the clocks of the publishers three days ahead",),
    invariant=8,
    symptom="deleted minutes, so that growth is missing",
    patches=(
        Patch(MinutePublisher, "delete_expired", figures.delete_expired_by_own_clock, PublishCycle._clean_up),
    ),
)
FREQUENT_FULLS: Final = PlantedBug(
    name="frequent-fulls",
    processes=PUBLISHERS,
    faults=("none is needed",),
    invariant=10,
    symptom="full records of the same counts every 4 s",
    patches=(Patch(cut_record, "FULL_EVERY_S", figures.FULL_EVERY_S, cut_record.due_record),),
)

FIGURE_BUGS: Final = (
    EMPTY_EPOCH,
    NEWEST_CUT_ONLY,
    WEBHOOKS_FIRST,
    SILENT_AUDIT,
    COPIED_BACKLOG,
    WRONG_MINUTES,
    OWN_CLOCK,
    FREQUENT_FULLS,
)
