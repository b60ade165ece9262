"""The database's roles by name: no setting chooses one, each process has its own."""

OWNER = "parker_owner"
APP = "parker_app"
WORKER = "parker_worker"
OPERATOR = "parker_operator"
BACKUP = "parker_backup"
