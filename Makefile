help: ## list the tasks
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 16

test: ## style, types, layers and all tests
	bin/test

format: ## put the code into form
	bin/setup dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: ## write the reference in docs/ from the code
	bin/setup dev
	.venv/bin/python docs/generate.py

site: ## build the documentation into site/
	bin/docs

pictures: ## take the documentation's pictures anew
	bin/setup dev
	.venv/bin/python -m pytest -q tests/flow/test_pictures.py
	.venv/bin/python docs/pictures.py

migration: ## write a migration from the tables: make migration message="Add ..."
	bin/setup dev
	.venv/bin/python bin/new-migration "$(message)"

translations: ## collect and compile the texts of the pages
	bin/setup dev
	.venv/bin/python -m semblante_web.catalogue

vendor: ## fetch the page's libraries from npm
	bin/vendor

pins: ## write the newest versions that fit together to constraints.txt
	bin/pins

bench: ## measure; each script prints its figures
	bin/setup dev
	for script in benchmarks/*.py; do .venv/bin/python $$script; done

.PHONY: help test format docs site pictures migration translations vendor pins bench
.DEFAULT_GOAL := help
