"""The processes. Importing this binds the Celery app, so that every process enqueues to it."""

from workers.celery import app

__all__ = ["app"]
