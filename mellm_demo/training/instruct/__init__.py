"""Instruction data: from a motion to an image, a motion prompt and a conversation that the measurements support.

``faces`` aligned faces · ``tables`` which units go together, and when · ``motion`` a drawn motion and its dense flow ·
``bank`` the same as flow measures it · ``images`` flow to map · ``records`` flow to an analysis · ``ask_…``,
``explain``, ``wordings`` what is asked and said · ``samples`` all of it together · ``corpora`` folders of their owners.
"""
