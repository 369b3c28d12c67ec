"""tools/check_size measures files, lines and functions as a reader would."""


def said(findings):
    return [(finding.line, finding.what) for finding in findings]


def test_long_file_and_long_line(script, tree):
    root = tree({"a.py": "x = 1\n" * 601, "b.cpp": "int x;\n" + "// " + "x" * 118 + "\n", "fits.py": "x = 1\n" * 600})
    assert said(script("tools/check_size").check(root)) == [
        (1, "601 lines, more than 600: cut it along an idea"),
        (2, "121 columns, more than 120"),
    ]


def test_python_function_without_its_docstring(script, tree):
    docstring, body = "line\n" * 30, "    x = 1\n" * 59
    root = tree({
        "fits.py": f'def f():\n    """{docstring}"""\n{body}',
        "long.py": "class C:\n    def g(self):\n" + "        x = 1\n" * 60,
    })  # fmt: skip
    assert said(script("tools/check_size").check(root)) == [(2, "g: 61 lines, more than 60 in one function")]


def test_cpp_function_inside_scopes(script, tree):
    body = "    x();\n" * 60
    scoped = f"struct S {{\n  S(int a)\n      : a_(a) {{\n{body}  }}\n  int f() {{ return 1; }}\n}};\n"
    text = f"namespace rl {{\n{scoped}}}\n"
    assert said(script("tools/check_size").check(tree({"a.h": text}))) == [
        (4, ": a_(a): 62 lines, more than 60 in one function")
    ]


def test_what_is_kept_as_it_came_is_left_alone(script, tree):
    long = "x = 1\n" * 700
    root = tree({"tests/conformance/a.py": long, "build/a.py": long, ".venv/a.py": long, "benchmarks/cases.py": long})
    assert script("tools/check_size").check(root) == []


def test_scripts_without_suffix_count(script, tree):
    root = tree({"tools/dev": "#!/usr/bin/env python3\n" + "x = 1\n" * 600})
    assert len(script("tools/check_size").check(root)) == 1
