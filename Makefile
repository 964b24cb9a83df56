# `make deploy` and `make test` are the two commands. A verb only calls ./portfolio, a check only calls tests/run.
VERBS = deploy plan upgrade doctor status schema verify history acknowledge backup rebuild seed recover psql logs token tokens revoke rotate connect tunnel rollback restore archive destroy vault migration images setup
SETTINGS = INVENTORY FORMAT SQL S LINES STATE ROLE SUB CLIENT_ID PERSON_ID DAYS JTI KEY STEP SERVICE REVEAL LOCAL_PORT TYPE TIME TABLE CONFIRM RESTORE DIRECTORY DATA YES NAME LOCK

# What was given on make's command line, quoted; the environment is not looked at, so that nothing is removed by accident.
quoted = '$(subst ','\'',$(1))'
given = $(foreach name,$(SETTINGS),$(if $(filter command,$(origin $(name))),$(name)=$(call quoted,$($(name)))))

.PHONY: help $(VERBS) test test-long lint sanity test-unit test-consistency test-package test-deploy test-integration \
  test-system test-security test-molecule bench bench-schema bench-api bench-ingress bench-backup expected docs reference format lock

help:
	@./portfolio

$(VERBS):
	@./portfolio $@ $(given)

test:
	@./tests/run

test-long:
	@./tests/run --long

lint sanity:
	@./tests/run $@

test-unit test-consistency test-package test-deploy test-integration test-system test-security:
	@./tests/run $(@:test-%=%)

test-molecule:
	@SCENARIO=$(SCENARIO) ./tests/run molecule

# DRIFT=1: what each playbook makes of changes by hand as well.
bench: bench-schema bench-api bench-ingress bench-backup
	@./tests/bench/run $(if $(DRIFT),--drift) $(if $(WRITE),--write)

bench-schema:
	@./tests/bench/schema/run $(if $(WRITE),--write)

bench-api:
	@./tests/setup bench-api
	@./tests/bench/api/run $(if $(WRITE),--write)

bench-ingress:
	@./tests/bench/ingress/run $(if $(WRITE),--write)

bench-backup:
	@./tests/bench/backup/run $(if $(WRITE),--write)

# What follows from the SQL files, and needs no server but a throw-away one: the check of a running database from its
# assertions, the catalog that the release ships, the description of the tables.
expected:
	@./portfolio setup LOCK=test
	@./tests/setup integration
	@PYTHONPATH=.collections .venv/bin/python -m tests.generate.validate_schema
	@PYTHONPATH=.collections .venv/bin/python -m tests.generate.expected
	@PYTHONPATH=.collections .venv/bin/python -m tests.generate.database_schema

# What is made from something else: that, the tables of variables in the roles' READMEs, the errors from their sources,
# AGENTS.md from the verbs, the inventory of services from what `make deploy` made of this machine.
docs: expected
	@.venv/bin/python -m tests.consistency.role_tables
	@.venv/bin/python -m tests.generate.errors_page
	@PYTHONPATH=.collections .venv/bin/python -m tests.generate.agents
	@PYTHONPATH=.collections .venv/bin/python -m tests.generate.service_inventory

# The reference of modules, roles and plugins as pages; not in git, since their sources are.
reference:
	@./portfolio setup LOCK=test
	@rm -rf docs/reference && mkdir docs/reference
	@ANSIBLE_COLLECTIONS_PATH=.collections .venv/bin/antsibull-docs collection --use-current --squash-hierarchy \
	  --output-format simplified-rst --fail-on-error --dest-dir docs/reference bestviable.portfolio
	@echo "docs/reference/index.rst"

format:
	@./portfolio setup LOCK=test
	@.venv/bin/ruff check --quiet --fix .
	@.venv/bin/ruff format .
	@.venv/bin/sqlfluff fix --disable-progress-bar sql

lock:
	@./requirements/lock
