"""Whose turn it is, where only one can be served at a time: first come, first served, and everyone knows their place.

A visitor who asks again stands at the end again, so that two who keep asking are answered in turns. Knows no model.
"""

from __future__ import annotations

import threading


class Turns:
    """A queue of tickets. The first ticket is being served until it is given back."""

    def __init__(self) -> None:
        self._tickets: list[Ticket] = []
        self._moved = threading.Condition()

    def take(self) -> Ticket:
        """A place at the end of the queue."""
        ticket = Ticket(self)
        with self._moved:
            self._tickets.append(ticket)
        return ticket

    def before(self, ticket: Ticket, timeout_s: float = 0.0) -> int:
        """How many are before this ticket; 0: it is its turn. Waits up to ``timeout_s`` for a change of place."""
        with self._moved:
            place = self._place(ticket)
            if place and timeout_s > 0:
                self._moved.wait_for(lambda: self._place(ticket) != place, timeout_s)
                place = self._place(ticket)
            return place

    def first_is_ending(self) -> bool:
        """Whether the one that is being served was stopped, and only ends what it cannot break off."""
        with self._moved:
            return bool(self._tickets) and self._tickets[0].ending

    def _place(self, ticket: Ticket) -> int:
        return self._tickets.index(ticket) if ticket in self._tickets else 0

    def leave(self, ticket: Ticket) -> None:
        """Give a place up, whether served or not; more than once does no harm."""
        with self._moved:
            if ticket in self._tickets:
                self._tickets.remove(ticket)
                self._moved.notify_all()

    def __len__(self) -> int:
        with self._moved:
            return len(self._tickets)


class Ticket:
    """A place in the queue."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.ending = False  # nobody waits for its answer any more, but what writes it has not ended yet

    def before(self, timeout_s: float = 0.0) -> int:
        """How many are served first; 0: it is this one's turn."""
        return self._turns.before(self, timeout_s)

    def first_is_ending(self) -> bool:
        """Whether the one that is served was stopped: it is before this one, but will not be answered."""
        return self._turns.first_is_ending()

    def give_back(self) -> None:
        """Let the next one in."""
        self._turns.leave(self)
