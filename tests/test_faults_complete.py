"""Each fault of requests_auth 8.0.0 that was found by running it has one test that it is not ours."""

import ast
import re
from collections import Counter
from pathlib import Path

FAULTS = range(1, 59)


def test_each_fault_has_one_test() -> None:
    """The faults 1 to 58 have one test each, which says what holds."""
    tests = [
        node
        for path in sorted(Path(__file__).parent.glob("test_faults_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    numbered = [(re.match(r"test_fault_(\d\d)_[a-z0-9_]+$", test.name), test) for test in tests]
    counts = Counter(int(match[1]) for match, _ in numbered if match)
    assert counts == Counter(FAULTS)
    assert all(ast.get_docstring(test) for match, test in numbered if match)
