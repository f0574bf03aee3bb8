"""Errors whose message is shown to the user as it is: one sentence for what is wrong, one for what to do."""


class MellmError(Exception):
    """Base of every error that this package raises on purpose."""


class InputError(MellmError):
    """The clip, the frames or the pair cannot be used."""


class LimitError(InputError):
    """The input is larger, longer or finer than the settings allow."""


class FaceError(InputError):
    """The input can be read, but holds no face that can be measured."""


class SettingsError(MellmError):
    """A setting is unknown or its value does not make sense."""


class WeightsError(MellmError):
    """A weights file is missing or is not the one that was expected."""


class ReasonerError(MellmError):
    """The one who writes the text failed; the analysis stays."""


class NothingSupported(ReasonerError):
    """Of what a model wrote the measurements bore out nothing, so nothing of it is shown."""


class Cancelled(MellmError):
    """The visitor asked to stop."""
