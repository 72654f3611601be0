"""Empty galleries in no time: what the migrations made of the first one is written for each later one."""

import threading

from sqlalchemy import inspect


class MigratedOnce:
    """Stands for what brings a database to the latest schema, and does the same.

    Args:
        upgrade: that; whatever is no empty SQLite database is left to it.
    """

    def __init__(self, upgrade):
        self._upgrade = upgrade
        self._statements = None
        self._lock = threading.Lock()

    def __call__(self, connection):
        if connection.dialect.name != "sqlite" or inspect(connection).get_table_names():
            self._upgrade(connection)
            return
        raw = connection.connection.driver_connection
        with self._lock:
            if self._statements is None:
                self._upgrade(connection)
                self._statements = list(raw.iterdump())[1:-1]
                return
        for statement in self._statements:
            raw.execute(statement)
