"""Proof that tests/tidy can fail: one planted violation a rule, in a temporary tree.

Each case is a small clean tree with some files changed or added, and what tidy must then find:
exactly these (file, line, part of the message), no more. Run by `tests/tidy --self-test`.
"""
import os
import tempfile

HEAD = "/* A file of the planted tree: what it is for stands here, in a sentence. */\n"
SCRIPT_HEAD = "# A file of the planted tree: what it is for stands here, in a sentence.\n"


def header(name, body=""):
    guard = "REFERRAL_%s_H" % name.upper()
    return HEAD + "#ifndef %s\n#define %s\n%s#endif\n" % (guard, guard, body)


CLEAN = {
    "lib/base/err.h": header("err"),
    "lib/model/window.h": header("window"),
    "lib/wire/codec.h": header("codec", '#include "base/err.h"\n'),
    "lib/store/store.h": header("store"),
    "lib/io/loop.h": header("loop"),
    "lib/CMakeLists.txt": SCRIPT_HEAD + "add(base/err.c model/window.c store/store.c io/${x}.c)\n",
    "lib/base/err.c": HEAD + '#include "base/err.h"\n#include <sodium.h>\n',
    "lib/model/window.c": HEAD + '#include "model/window.h"\n#include <string.h>\n',
    "lib/store/store.c": HEAD + '#include "store/store.h"\n#include <lmdb.h>\n',
    "lib/io/loop.c": HEAD + '#include "io/loop.h"\n#include <uv.h>\n\n'
                            "static const int table[] = {\n    1,\n};\n",
    "broker/decide.h": header("decide"),
    "proto/a.proto": HEAD + "message A {\n    B b = 1;\n}\n\nmessage B {\n    uint32 n = 1;\n}\n",
}


def function(body, signature="void f(void)"):
    return HEAD + "\n" + signature + "\n{\n" + body + "}\n"


LISTED = SCRIPT_HEAD + "add(x.c)\n"


def in_lib(folder, text, line, message):
    """A case of one C file x.c in a folder of lib."""
    path = "lib/%s/x.c" % folder
    return {path: text, "lib/%s/CMakeLists.txt" % folder: LISTED}, [(path, line, message)]


def call(folder, code, message="banned call"):
    return in_lib(folder, function("    %s\n" % code), 5, message)


CASES = [
    ("a clean tree", ({}, [])),
    ("a git worktree", ({".git": "gitdir: /wo" "rk/main/.git/worktrees/x\n"}, [])),
    ("a lib floor that looks up", in_lib("base", HEAD + '#include "model/window.h"\n', 2, "floor")),
    ("a sibling", in_lib("store", HEAD + '#include "wire/codec.h"\n', 2, "broken floor")),
    ("lib that uses a program", in_lib("io", HEAD + '#include "broker/decide.h"\n', 2, "floor")),
    ("a program that uses another",
     ({"agent/agent.h": header("agent", '#include "broker/decide.h"\n')},
      [("agent/agent.h", 4, "broken floor")])),
    ("an include of nothing", in_lib("io", HEAD + '#include "io/none.h"\n', 2, "no file of")),
    ("LMDB outside the store", in_lib("io", HEAD + "#include <lmdb.h>\n", 2, "home in lib/store")),
    ("libuv in the store", in_lib("store", HEAD + "#include <uv.h>\n", 2, "home in lib/io")),
    ("nng in wire", in_lib("wire", HEAD + "#include <nng/nng.h>\n", 2, "home in lib/io")),
    ("sodium in wire", in_lib("wire", HEAD + "#include <sodium.h>\n", 2, "home in lib/base")),
    ("generated code in the store",
     in_lib("store", HEAD + '#include "message.pb-c.h"\n', 2, "stay in lib/wire")),
    ("a clock header in the model", in_lib("model", HEAD + "#include <time.h>\n", 2, "is pure")),
    ("curl in the broker",
     ({"broker/x.h": header("x", "#include <curl/curl.h>\n")}, [("broker/x.h", 4, "agent")])),
    ("microhttpd outside the web inbox",
     ({"agent/x.h": header("x", "#include <microhttpd.h>\n"),
       "agent/web/y.h": header("y", '#include <microhttpd.h>\n#include "agent/x.h"\n')},
      [("agent/x.h", 4, "agent/web")])),
    ("curl beside its home",
     ({"agent/x.h": header("x", "#include <curl/curl.h>\n")}, [("agent/x.h", 4, "agent/notice")])),
    ("a long function", in_lib("io", function("    ;\n" * 70), 3, "function f of 73 lines")),
    ("many parameters",
     in_lib("io", function("", "int f(int a, int (*b)(int, int), int c,\n int d, int e, int g)"),
            3, "of 6 parameters")),
    ("recursion", in_lib("io", function("    f();\n"), 3, "calls itself")),
    ("a long file", in_lib("io", HEAD + "\n" * 899 + "int x(void);\n", 901, "901 lines")),
    ("a C file without a head", in_lib("io", "int x(void);\n", 1, "begins without")),
    ("a poor head", in_lib("io", "/* Loop. */\nint x(void);\n", 1, "begins without")),
    ("a script without a head", ({"deploy/x": "#!/bin/sh\ntrue\n"}, [("deploy/x", 1, "begins")])),
    ("a browser script without a head",
     ({"tests/x.mjs": "run();\n", "tests/node_modules/y.mjs": "\t\n"},
      [("tests/x.mjs", 1, "begins")])),
    ("a schema without a head", ({"proto/b.proto": "message C {}\n"},
                                 [("proto/b.proto", 1, "begins without")])),
    ("CMake without a head", ({"lib/io/CMakeLists.txt": "add(y)\n"},
                              [("lib/io/CMakeLists.txt", 1, "begins without")])),
    ("no guard", ({"lib/io/y.h": HEAD + "int y(void);\n"}, [("lib/io/y.h", 1, "guard")])),
    ("a guard twice", ({"lib/io/loop2.h": header("loop")}, [("lib/io/loop2.h", 1, "guard of")])),
    ("strcpy", call("io", "strcpy(a, b);")),
    ("sprintf", call("base", "sprintf(a, b);")),
    ("strtok", call("wire", "strtok(a, b);")),
    ("atoi", call("wire", "return atoi(a);")),
    ("strtoul away from base", call("io", "strtoul(a, b, 10);")),
    ("strtoul in base", (in_lib("base", function("    strtoul(a, b, 10);\n"), 0, "")[0], [])),
    ("system", call("io", "system(a);")),
    ("alloca", call("io", "alloca(1);")),
    ("rand", call("io", "rand();")),
    ("usleep", call("io", "usleep(1);")),
    ("fork", call("io", "fork();")),
    ("nng_msg_insert", call("io", "nng_msg_insert(m, a, 1);")),
    ("a clock in the store", call("store", "time(NULL);")),
    ("localtime", call("io", "localtime(t);")),
    ("exit in lib", call("wire", "exit(1);")),
    ("printf in lib", call("wire", 'printf("a");')),
    ("a warning in lib", call("store", 'log_warn("a");')),
    ("a banned word in a comment and a string",
     (in_lib("io", function('    /* system() */ g("system()", q->time(1));\n'), 0, "")[0], [])),
    ("a mutable global", in_lib("io", HEAD + "static int counter;\n", 2, "mutable global")),
    ("a fault without a beginning",
     in_lib("io", function("    struct fault fault;\n"), 5, "a fault begins with")),
    ("a typedef", in_lib("io", HEAD + "typedef struct loop loop_t;\n", 2, "typedef")),
    ("a function type", (in_lib("io", HEAD + "typedef int (*f)(int);\n", 0, "")[0], [])),
    ("a mark", in_lib("io", HEAD + "/* TO" "DO: later */\n", 2, "unfinished")),
    ("a merge", ({"docs/x.md": "<" * 7 + " ours\n"}, [("docs/x.md", 1, "merge")])),
    ("a long line", in_lib("io", HEAD + "/* %s */\n" % ("a" * 95), 2, "101 columns")),
    ("a tab", in_lib("io", HEAD + "\tint x(void);\n", 2, "tab")),
    ("a trailing blank", in_lib("io", HEAD + "int x(void); \n", 2, "trailing")),
    ("no end of line", in_lib("io", HEAD + "int x(void);", 2, "no end of line")),
    ("a path of one machine", ({"docs/x.md": "see /wo" "rk/main\n"}, [("docs/x.md", 1, "path")])),
    ("a folder outside", ({"docs/x.md": "see ../sha" "red\n"}, [("docs/x.md", 1, "path")])),
    ("a registry", ({"docs/x.md": "from deb.debian." "org\n"}, [("docs/x.md", 1, "registry")])),
    ("a recursive type",
     ({"proto/b.proto": HEAD + "message C {\n    repeated D d = 1;\n}\n\nmessage D {\n"
                               "    oneof e {\n        C c = 1;\n    }\n}\n"},
      [("proto/b.proto", 3, "recursive"), ("proto/b.proto", 8, "recursive")])),
    ("proto3 optional",
     ({"proto/b.proto": HEAD + "message C {\n    optional uint32 d = 1;\n}\n"},
      [("proto/b.proto", 3, "optional")])),
    ("a map", ({"proto/b.proto": HEAD + "message C {\n    map<string, D> d = 1;\n}\n"},
               [("proto/b.proto", 3, "no map")])),
    ("a C file that is not built", ({"lib/io/../wire/z.c": HEAD}, [("lib/wire/z.c", 1, "names")])),
    ("C outside the floors", ({"tools/x.h": header("x")}, [("tools/x.h", 1, "outside")])),
    ("drift from clang-format",
     ({".clang-format": "BasedOnStyle: LLVM\nIndentWidth: 4\nSortIncludes: Never\n",
       "lib/io/y.h": header("y", "int   y(void);\n")},
      [("lib/io/y.h", 4, "clang-format")])),
]


def plant(root, files):
    for path, text in files.items():
        full = os.path.normpath(os.path.join(root, path))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


def matches(found, expected):
    return len(found) == len(expected) and all(
        path == want[0] and line == want[1] and want[2] in message
        for (path, line, message), want in zip(found, expected))


def run(findings):
    """Plants every case and compares; `findings` is tidy's own function from a root to a list."""
    wrong = 0
    for name, (files, expected) in CASES:
        with tempfile.TemporaryDirectory() as root:
            plant(root, {**CLEAN, **files})
            found = findings(root)
        if not matches(found, expected):
            wrong += 1
            print("%s: expected %s, found %s" % (name, expected, found))
    print("tidy: %d planted cases, %d not judged right" % (len(CASES), wrong))
    return 1 if wrong else 0
