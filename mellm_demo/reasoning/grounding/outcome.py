"""What came of a check: statements with their support, and one line that sums them up."""

from __future__ import annotations

from dataclasses import dataclass

from mellm_demo.records import Statement
from mellm_demo.wording import Language


@dataclass(frozen=True)
class Grounding:
    """All statements that were found in an answer, in their order, and where it spoke of the face without one."""

    statements: tuple[Statement, ...]
    language: Language
    unchecked: tuple[tuple[int, int], ...] = ()  # start and end of each sentence that could not be checked

    @property
    def unsupported(self) -> tuple[Statement, ...]:
        return tuple(one for one in self.statements if not one.supported)

    @property
    def tally(self) -> str:
        """One line: how many were checked, how many are not supported, how many sentences could not be checked."""
        return self._tally_zh() if self.language == "zh" else self._tally_en()

    def _tally_en(self) -> str:
        count, wrong, unclear = len(self.statements), len(self.unsupported), len(self.unchecked)
        missed = f"{unclear} sentence{'s' if unclear != 1 else ''} could not be checked"
        if not count:
            return f"no statement checked; {missed}" if unclear else "no statement that could be checked"
        checked = f"{count} statement{'s' if count != 1 else ''} checked"
        if wrong:
            told = f"{checked}, {wrong} not supported by the measurements"
        else:
            told = f"{checked}, {'all' if count != 1 else 'it is'} supported by the measurements"
        return f"{told}; {missed}" if unclear else told

    def _tally_zh(self) -> str:
        count, wrong, unclear = len(self.statements), len(self.unsupported), len(self.unchecked)
        if not count:
            return f"没有核对任何陈述；有 {unclear} 句无法核对" if unclear else "没有可以核对的陈述"
        told = f"核对了 {count} 条陈述，{f'其中 {wrong} 条没有测量依据' if wrong else '均有测量依据'}"
        return f"{told}；另有 {unclear} 句无法核对" if unclear else told
