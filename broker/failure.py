"""Why a broker cannot go on, when it is not the broker's own fault.

A port in use, ZooKeeper out of reach, a log directory of another broker: the person who started it
must do something, and needs one line that says what; a traceback would only hide it. Everything
else that ends a broker is a bug and keeps its traceback.
"""


class BrokerFailure(Exception):
    """Ends the broker; the text is one line: what is wrong, where, and what helps."""


def innermost(error: BaseException) -> BaseException:
    """The first exception inside the groups that nurseries have put around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
