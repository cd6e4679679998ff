"""The report engine: from dimensions and measures to one select, from rows to a result."""

from engines.reports.compile import compile_reports
from engines.reports.conclude import conclude, keys_to_label
from engines.reports.execute import Query, drill, execute
from engines.reports.parameters import chosen_by, given

__all__ = ["Query", "chosen_by", "compile_reports", "conclude", "drill", "execute", "given", "keys_to_label"]
