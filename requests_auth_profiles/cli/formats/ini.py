"""INI files, as databricks and aws have them."""

import configparser

__all__ = ["sections"]


def sections(data: bytes) -> dict[str, dict[str, str]]:
    """The sections of an INI file, none of which holds for another.

    Raises:
        ValueError: it is none; nothing of it is repeated.
    """
    parser = configparser.RawConfigParser(default_section="\0", strict=False, allow_no_value=True)
    try:
        parser.read_string(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except configparser.MissingSectionHeaderError as error:
        problem = f"is not an INI file: line {error.lineno} is in no [section]"
    except configparser.ParsingError as error:  # its text has the lines, and they may have secrets
        line = error.errors[0][0] if error.errors else 1
        problem = f"is not an INI file: line {line} is neither a key nor a [section]"
    except (configparser.Error, AttributeError):
        problem = "is not an INI file"
    else:
        return {
            name: {key: (value or "").strip() for key, value in parser.items(name)}
            for name in parser.sections()
        }
    raise ValueError(problem)
