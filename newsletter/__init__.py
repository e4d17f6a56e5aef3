"""Newsletter: from a Markdown file to a reader's inbox, every Tuesday and Friday.

`open_newsletter` and `Newsletter` are for programs (docs/api.md); they are loaded when they are asked for.
"""

__version__ = "0.1.0"
__all__ = ["Newsletter", "NewsletterError", "__version__", "open_newsletter"]

TYPE_CHECKING = False  # as typing has it, without the cost of importing typing at each start
if TYPE_CHECKING:
    from newsletter.errors import NewsletterError
    from newsletter.library import Newsletter, open_newsletter


def __getattr__(name):  # type: ignore[no-untyped-def]  # old Pythons read this file to say what is needed
    """The public names, each loaded on its first use (PEP 562)."""
    if name in ("Newsletter", "open_newsletter"):
        from newsletter import library  # noqa: PLC0415

        return getattr(library, name)
    if name == "NewsletterError":
        from newsletter.errors import NewsletterError as error  # noqa: N813, PLC0415

        return error
    raise AttributeError("module 'newsletter' has no attribute {!r}".format(name))  # noqa: UP032
