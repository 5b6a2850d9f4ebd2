"""Faults by name, as JSON and as text."""

import json
import re

import pytest

from azcred_emulators.emulation.fault import RequestFault
from azcred_emulators.faults import BadChallenge, Drip, Gone, Hang, MistypedField, Refuse, Slow, Status, Throttle
from azcred_emulators.faults.registry import KINDS, read_fault, write_fault

EXAMPLES: list[tuple[RequestFault, str]] = [
    (Status(429, retry_after=1), "Status(429, retry_after=1)"),
    (Status(503, body={"a": 1}, headers={"X-B": "c"}), "Status(503, body={'a': 1}, headers={'X-B': 'c'})"),
    (Gone(), "Gone()"),
    (Throttle(5), "Throttle(5)"),
    (MistypedField("expires_on", "soon"), "MistypedField('expires_on', value='soon')"),
    (Slow(0.5), "Slow(0.5)"),
    (Slow("2 s"), "Slow('2 s')"),
    (Drip(1, pieces=3), "Drip(1, pieces=3)"),
    (Hang(), "Hang()"),
    (Hang(in_body=True), "Hang(in_body=True)"),
    (Throttle(), "Throttle()"),
    (Refuse("AADSTS53003", claims={"a": {"b": 1}}), "Refuse('AADSTS53003', claims={'a': {'b': 1}})"),
    (Refuse("identity-not-found"), "Refuse('identity-not-found')"),
    (BadChallenge("wrong-key"), "BadChallenge('wrong-key')"),
]


@pytest.mark.parametrize(("fault", "text"), EXAMPLES, ids=[text for _, text in EXAMPLES])
def test_a_fault_survives_json(fault: RequestFault, text: str) -> None:
    """Its text is what one would write in Python."""
    assert read_fault(json.loads(json.dumps(write_fault(fault)))) == fault
    assert repr(fault) == text


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_documents_itself(name: str) -> None:
    """Its name and docstring are its entry in the documentation."""
    assert KINDS[name].__name__ == name
    assert KINDS[name].__doc__


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"kind": "Statos"}, "there is no kind of fault 'Statos'; did you mean 'Status'?"),
        ({}, "there is no kind of fault ''; there are Status, "),
        ({"kind": "Gone", "colour": "red"}, "the fault Gone has no field 'colour'; it has none"),
        ({"kind": "Status"}, "the fault Status needs more than its name"),
        ({"kind": "Status", "code": "429"}, "the fault Status cannot have the code '429'"),
        ({"kind": "Status", "code": True}, "the fault Status cannot have the code True"),
        ({"kind": "Status", "code": 99}, "an answer has a status from 200 to 599, not 99"),
        ({"kind": "Status", "code": 429, "headers": {"X": 1}}, "cannot have the headers {'X': 1}"),
        ({"kind": "Slow", "delay": "-1 s"}, "this duration cannot be negative, as '-1 s' is"),
        ({"kind": "Hang", "duration": "5 fortnights"}, "not '5 fortnights'"),
        ({"kind": "Drip", "duration": 1, "pieces": 1}, "at least 2 pieces, not 1"),
        ({"kind": "ForeignMetadata", "code": 200}, "answers 401 or 404, not 200"),
        (
            {"kind": "Throttle", "retry_after": "soon"},
            "a duration is a timedelta, a number of seconds, or text such as '5 min'",
        ),
        ({"kind": "BadChallenge", "defect": "red"}, "the fault BadChallenge cannot have the defect 'red'"),
        ({"kind": "Exit", "code": 1}, "there is no kind of fault 'Exit'"),
    ],
)
def test_mistakes_are_named(data: dict[str, object], message: str) -> None:
    """As ValueErrors that say what there is."""
    with pytest.raises(ValueError, match=re.escape(message)):
        read_fault(data)
