"""sites.py - where a C source can be changed by one small mistake, and the changes that are made there.

Teaches:  how far one gets with lines: the sources are laid out by clang-format, so a binary operator has a space
          on both sides (` * ` multiplies, ` *p` points), and a statement that fits on a line ends it with `;`.
Partner:  run, which samples from what all_sites() lists.
Leaves out: string literals (they are text for people: the tests say where the words matter), preprocessor lines,
          declarations, statements over several lines, goto and break. A change that does not compile, with
          the warnings that are errors here, is not counted: nobody could commit it.
"""
import re
from typing import NamedTuple


class Mutant(NamedTuple):
    path: str
    line: int  # from 0
    start: int  # columns of what is replaced
    end: int
    new: str
    what: str  # said to people, and the key of survivors.tsv beside the line's text


SWAPS = {
    "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "==": ["!="], "!=": ["=="],
    "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["/"], "<<": [">>"], ">>": ["<<"],
    "&": ["|"], "|": ["&"], "&&": ["||"], "||": ["&&"],
    "+=": ["-="], "-=": ["+="], "|=": ["&="], "&=": ["|="],
}
OPERATOR = re.compile(r"(?<= )(<<|>>|<=|>=|==|!=|&&|\|\||\+=|-=|\|=|&=|[-+*/%<>&|])(?= |$)")
STEP = re.compile(r"\+\+|(?<!-)--(?!>)")
NEGATION = re.compile(r"(?<![=\w])!(?=[\w(])")
NUMBER = re.compile(r"(?<![\w.])(0x[0-9a-fA-F]+|\d+)(?=[uUlL]*(?![\w.]))")
TRUTH = re.compile(r"\b(true|false)\b")
RETURN = re.compile(r"^(\s*)return (.+);$")
CONDITION = re.compile(r"\b(?:if|while) (\()")
DECLARATION = re.compile(
    r"^\s+(?:(?:const|static|struct|enum|union|unsigned|signed|int|bool|char|long|short|double|float|void|socklen_t|"
    r"u?int\d+_t|s?size_t|off_t|[pug]id_t)\b|\w+ \**\w+(?:\[.*\])?(?: =|;|,))")
NOT_A_STATEMENT = re.compile(r"^\s*(?:return|break|continue|goto|case|default|else|do|\}|\w+:)")


def blanked(text):
    """The source with comments and literals overwritten by blanks (strings) or dots (characters): same columns."""
    def blank(match):
        found = match.group(0)
        if found[0] == "'":
            return "." * len(found)
        return re.sub(r"[^\n]", " " if found[0] == "/" else "_", found)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def closing(code, start):
    """The column of the parenthesis that closes the one at `start`, or -1 if it is on another line."""
    depth = 0
    for column in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[column], 0)
        if depth == 0:
            return column
    return -1


def other_numbers(number):
    value = int(number, 8 if re.fullmatch(r"0[0-7]+", number) else 0)
    if value == 0:
        return ["1"]
    if value == 1:
        return ["0", "2"]
    return [str(value + 1) if value < 10 else str(value // 2)]


def replacements(code, before):
    """(start, end, new, what) of every change of one line; `before` is the line of code above it."""
    found = []

    def add(match, new, group=0):
        old = match.group(group)
        nth = sum(1 for f in found if f[4] == old and f[2] == new) + 1
        what = "%s -> %s" % (old, new or "(nothing)") + (" (%d)" % nth if nth > 1 else "")
        found.append((match.start(group), match.end(group), new, what, old))

    for match in OPERATOR.finditer(code):
        for new in SWAPS[match.group(0)]:
            add(match, new)
    for match in STEP.finditer(code):
        add(match, "--" if match.group(0) == "++" else "++")
    for match in NEGATION.finditer(code):
        add(match, "")
    for match in NUMBER.finditer(code):
        for new in other_numbers(match.group(1)):
            add(match, new, 1)
    for match in TRUTH.finditer(code):
        add(match, "false" if match.group(0) == "true" else "true")
    changes = [f[:4] for f in found]
    for match in CONDITION.finditer(code):
        end = closing(code, match.start(1))
        if end > 0:
            changes.append((match.start(1), end + 1, "(!%s)" % code[match.start(1):end + 1], "condition negated"))
    match = RETURN.match(code)
    if match and not re.fullmatch(r"-?\d+|true|false|NULL", match.group(2)):
        changes.append((match.start(2), match.end(2), "0", "return 0"))
    if is_statement(code, before):
        start = len(code) - len(code.lstrip())
        changes.append((start, len(code), ";", "deleted"))
    return changes


def is_statement(code, before):
    whole = code.endswith(";") and code.startswith("    ") and code.count("(") == code.count(")")
    begins = re.search(r"(?:[;{}:)]|\belse|\bdo)$", before)
    return bool(whole and begins and not NOT_A_STATEMENT.match(code) and not DECLARATION.match(code))


def sites_of(path, text):
    """A list of mutants for each line of the source that can be changed."""
    lines, before, out = text.split("\n"), "", []
    code_lines = blanked(text).split("\n")
    for number, code in enumerate(code_lines):
        code = code.rstrip()
        if not code.strip() or code.lstrip().startswith("#") or before.endswith("\\"):
            before = code if code.endswith("\\") else before
            continue
        # What a blanked line says of a condition is put together from the true line.
        here = []
        for start, end, new, what in replacements(code, before):
            if what == "condition negated":
                new = "(!%s)" % lines[number][start:end]
            here.append(Mutant(path, number, start, end, new, what))
        if here:
            out.append(here)
        before = code
    return out


def apply(text, mutant):
    lines = text.split("\n")
    line = lines[mutant.line]
    lines[mutant.line] = line[:mutant.start] + mutant.new + line[mutant.end:]
    return "\n".join(lines)
