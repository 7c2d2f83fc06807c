"""A table on the terminal, or in a pipe."""

import sys

__all__ = ["show_table"]

_PIPE_WIDTH = 400


def show_table(headings: list[str], rows: list[list[str]], *, empty: str) -> None:
    """Prints rows under headings to stdout; columns that are empty in all rows are left out.

    Args:
        headings: one for each column.
        rows: the cells, as plain text.
        empty: what to say where there are no rows.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)
    if not rows:
        console.print(Text(empty))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    used = [index for index, _ in enumerate(headings) if any(row[index] for row in rows)]
    for index in used:
        table.add_column(headings[index], overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[index]) for index in used))
    console.print(table)
