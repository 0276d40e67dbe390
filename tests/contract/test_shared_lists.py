"""Lists that several services hold separately agree with the contract and with each other."""

from __future__ import annotations

from typing import get_args

from aggregator.domain import event
from notifier.rules_file import schema
from registration.api.problem_responses import BY_OUTCOME
from registration.domain.decision import EventType, Reason
from registration.domain.idempotent_operation import OperationFault
from registration.requests import request_models
from simulator.load import crowd
from tests.support.contract_documents import SCHEMAS

STEPS = SCHEMAS["standing"]["properties"]["steps"]["items"]["enum"]


def test_every_service_knows_the_steps_of_the_contract() -> None:
    assert list(get_args(request_models.Step)) == STEPS
    assert list(get_args(event.Step)) == STEPS
    assert list(crowd.STEPS) == STEPS


def test_the_measures_are_registered_stock_and_one_per_step() -> None:
    steps = [f"step:{step}" for step in STEPS]

    assert SCHEMAS["words"]["$defs"]["measure"]["enum"] == ["registered", "stock", *steps]
    assert list(get_args(schema.Measure)) == ["registered", *steps], "a milestone of the stock is no event"


def test_the_contract_lists_every_event_type() -> None:
    types = SCHEMAS["participant-event"]["properties"]["type"]["enum"]

    assert sorted(types) == sorted(EventType)


def test_every_refusal_has_a_problem() -> None:
    assert set(BY_OUTCOME) == {*Reason, *OperationFault}
