"""The work of Paperround: fetch → parse → score → compose → render → deliver.

`round` has one function for each step (claim → do → save → what to wake); `fetch`, `parse`, `score`,
`compose`, `render` and `deliver` do the doing and know no database; `store` has every query; `pipeline`
hangs the steps on Celery. The database is the queue, the broker is the doorbell.
"""
