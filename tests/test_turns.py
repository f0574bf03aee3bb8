"""One is served at a time, in the order in which they came; who gives up or asks again loses the place."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from mellm_demo.reasoning.turns import Turns


def test_the_order_is_the_one_in_which_they_came():
    turns = Turns()
    first, second, third = (turns.take() for _ in range(3))
    assert [one.before() for one in (first, second, third)] == [0, 1, 2]
    second.give_back()
    assert [one.before() for one in (first, third)] == [0, 1]
    first.give_back()
    first.give_back()
    assert third.before() == 0


def test_two_who_keep_asking_are_answered_in_turns():
    turns, served = Turns(), []
    waiting = [("a", turns.take()), ("b", turns.take())]
    for _ in range(6):
        name, ticket = waiting.pop(0)
        assert ticket.before() == 0
        served.append(name)
        waiting.append((name, turns.take()))  # asks again at once
        ticket.give_back()
    assert served == ["a", "b"] * 3


def test_who_waits_hears_of_the_change():
    turns = Turns()
    first, second = turns.take(), turns.take()
    heard = []
    thread = threading.Thread(target=lambda: heard.append(second.before(30.0)))
    thread.start()
    first.give_back()
    thread.join(20)
    assert heard == [0]


def test_one_that_was_stopped_is_first_until_it_has_ended():
    turns = Turns()
    first, second = turns.take(), turns.take()
    assert not second.first_is_ending()
    first.ending = True
    assert (second.before(), second.first_is_ending()) == (1, True)
    first.give_back()
    assert (second.before(), second.first_is_ending()) == (0, False)
    second.give_back()
    assert not turns.first_is_ending()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=30))
def test_places_are_always_0_1_2(steps):
    turns, held = Turns(), []
    for takes, which in steps:
        if takes:
            held.append(turns.take())
        elif held:
            held.pop(which % len(held)).give_back()
        assert [ticket.before() for ticket in held] == list(range(len(held)))
        assert len(turns) == len(held)
