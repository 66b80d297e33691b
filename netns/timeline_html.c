/*
 * timeline_html.c - a timeline as a page: the picture, the header fields of one row, a table.
 *
 * Teaches:  a page that works for everybody: rows can be reached and read by keyboard and by screen
 *           readers, colours follow the reader's preference, and without JavaScript only the moving
 *           from row to row by keys is missing (Tab still does it). It is well-formed XML, so that a test
 *           can check it with a parser. Nothing is loaded from anywhere.
 * Partner:  timeline_svg.c draws the picture.
 */
#include "timeline_show.h"
#include "timeline_svg.h"

#include <errno.h>
#include <stdlib.h>

static const char style[] =
    "<style>\n"
    ":root{color-scheme:light dark;--bg:#ffffff;--fg:#1f2328;--dim:#59636e;--line:#d1d9e0;"
    "--pane:#f6f8fa;--accent:#0550ae}\n"
    "@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9aa4af;"
    "--line:#3d444d;--pane:#151b23;--accent:#79c0ff}}\n"
    "body{margin:0;background:var(--bg);color:var(--fg);font:14px/1.45 system-ui,sans-serif}\n"
    "header,main,footer{padding:0 16px;max-width:1400px;margin:0 auto}\n"
    "h1{font-size:18px;margin:16px 0 4px} header p{margin:0 0 12px;color:var(--dim)}\n"
    "kbd,code,td{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans "
    "Mono',monospace;"
    "font-size:12px}\n"
    "kbd{border:1px solid var(--line);border-radius:3px;padding:0 4px}\n"
    "#picture{overflow-x:auto;border:1px solid var(--line);border-radius:6px;margin-bottom:120px}\n"
    "#picture svg{display:block;scroll-margin:80px}\n"
    "#picture .row{scroll-margin-block:80px 140px}\n"
    "#pane{position:fixed;left:0;right:0;bottom:0;background:var(--pane);border-top:1px solid "
    "var(--line);padding:8px 16px;max-height:96px;min-height:40px;overflow:auto}\n"
    "#pane p{margin:0;max-width:1400px;overflow-wrap:anywhere} #pane b{color:var(--accent)}\n"
    "table{border-collapse:collapse;margin:8px 0 140px} caption{text-align:left;color:var(--dim)}\n"
    "th,td{text-align:left;padding:2px 12px 2px 0;vertical-align:top;border-bottom:1px solid "
    "var(--line)} td:first-child{text-align:right;white-space:nowrap}\n"
    "summary{cursor:pointer;padding:4px 0} :focus-visible{outline:2px solid var(--accent)}\n"
    "</style>\n";

/* No '<' and no '&' in it: the page is XML, too. */
static const char script[] =
    "<script>\n"
    "(function () {\n"
    "  var rows = Array.prototype.slice.call(document.querySelectorAll('#picture .row'));\n"
    "  var where = document.getElementById('where'), what = document.getElementById('what');\n"
    "  var now = -1;\n"
    "  function go(n) {\n"
    "    now = Math.max(0, Math.min(rows.length - 1, n));\n"
    "    rows[now].focus({preventScroll: true});\n"
    "    rows[now].scrollIntoView({block: 'nearest'});\n"
    "  }\n"
    "  rows.forEach(function (row, n) {\n"
    "    row.addEventListener('focus', function () {\n"
    "      now = n;\n"
    "      where.textContent = row.getAttribute('aria-label');\n"
    "      what.textContent = row.querySelector('title').textContent;\n"
    "    });\n"
    "    row.addEventListener('click', function () { go(n); });\n"
    "  });\n"
    "  document.addEventListener('keydown', function (e) {\n"
    "    if (e.ctrlKey || e.altKey || e.metaKey || rows.length === 0) return;\n"
    "    if (e.target.closest ? e.target.closest('details') : null) return;\n"
    "    var to = {j: now + 1, ArrowDown: now + 1, k: now - 1, ArrowUp: now - 1, Home: 0,\n"
    "              End: rows.length - 1, PageDown: now + 10, PageUp: now - 10}[e.key];\n"
    "    if (to === undefined) return;\n"
    "    e.preventDefault();\n"
    "    go(to);\n"
    "  });\n"
    "})();\n"
    "</script>\n";

static void write_table(const struct timeline *timeline, const struct timeline_row *rows,
                        size_t count, FILE *out)
{
    char text[1024];
    fputs("<details>\n<summary>The same as a table</summary>\n<table>\n<caption>Every row of the "
          "picture, in its order</caption>\n<thead><tr><th scope=\"col\">ms</th><th "
          "scope=\"col\">what</th><th scope=\"col\">in full</th></tr></thead>\n<tbody>\n",
          out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "<tr><td>%.3f</td><td>", timeline_ms(timeline, rows[i].at));
        timeline_escape(out, timeline_row_sentence(timeline, &rows[i], text, sizeof text));
        fputs("</td><td>", out);
        timeline_escape(out, timeline_row_details(timeline, &rows[i], text, sizeof text));
        fputs("</td></tr>\n", out);
    }
    if (count == 0)
        fputs("<tr><td></td><td>nothing happened</td><td></td></tr>\n", out);
    fputs("</tbody>\n</table>\n</details>\n", out);
}

int timeline_html(const struct timeline *timeline, FILE *out)
{
    size_t count;
    struct timeline_row *rows = timeline_rows(timeline, &count);
    if (rows == NULL)
        return -ENOMEM;
    fputs(
        "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta "
        "charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, "
        "initial-scale=1\"/>\n<title>Timeline of ",
        out);
    timeline_escape(out, timeline->command);
    fprintf(out, "</title>\n%s</head>\n<body>\n<header>\n<h1>Timeline of <code>", style);
    timeline_escape(out, timeline->command);
    fputs(
        "</code></h1>\n<p>Go through the rows with <kbd>j</kbd> <kbd>k</kbd>, the arrow keys, "
        "<kbd>Home</kbd> and <kbd>End</kbd>, or <kbd>Tab</kbd>; the one you are on is told in full "
        "below. Hovering tells it, too.</p>\n</header>\n<main>\n<div id=\"picture\">\n",
        out);
    int result = timeline_draw(timeline, true, out);
    fputs("</div>\n", out);
    write_table(timeline, rows, count, out);
    fprintf(out,
            "</main>\n<div id=\"pane\" role=\"status\" aria-label=\"The row you are on\"><p><b "
            "id=\"where\">No row is chosen yet.</b></p><p><code id=\"what\"></code></p></div>\n%s"
            "</body>\n</html>\n",
            script);
    free(rows);
    return result;
}
