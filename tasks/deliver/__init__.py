"""Hands one message at a time to a mail server or a mailbox folder, and says how it ended."""

from tasks.deliver.transport import Handover, Transport, transport_for

__all__ = ["Handover", "Transport", "transport_for"]
