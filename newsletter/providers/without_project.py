"""Django's settings for Anymail, which is all that we use of it: the same for mails that are sent and events."""

from __future__ import annotations

import threading

_LOCK = threading.Lock()


def configure_django() -> None:
    """Configure what has to be, once in a process; what Anymail needs of a service is given to its classes alone.

    Raises ModuleNotFoundError where Django is not installed.
    """
    from django.conf import settings  # noqa: PLC0415 - an extra, and 200 ms

    with _LOCK:
        if not settings.configured:
            settings.configure(ALLOWED_HOSTS=["*"], ANYMAIL={}, USE_TZ=True, DATA_UPLOAD_MAX_MEMORY_SIZE=None)
