// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/models/eval/report/document"
)

// measuringPage is a page that lays the report out in frames of several widths, and
// says what cannot be read there without more than the page's own scroll bars.
const measuringPage = `<!doctype html><title>measure</title><pre id="out"></pre><script>
const widths = [1280, 1024, 768, 390, 320];
function look(frame, width) {
  const doc = frame.contentDocument, win = frame.contentWindow, bad = [];
  doc.querySelectorAll('details').forEach(d => { d.open = true; });
  const what = e => e.tagName.toLowerCase() + (typeof e.className === 'string' && e.className ? '.' + e.className : '') +
    ' ' + JSON.stringify((e.textContent || '').trim().replace(/\s+/g, ' ').slice(0, 50));
  const scrolls = e => /auto|scroll/.test(win.getComputedStyle(e).overflowX);
  if (doc.documentElement.scrollWidth > width) bad.push('the page is ' + doc.documentElement.scrollWidth + ' wide');
  let boxes = 0;
  for (const e of doc.body.querySelectorAll('*')) {
    const r = e.getBoundingClientRect(), style = win.getComputedStyle(e);
    if (e.className === 'skip' || r.width === 0 || r.height === 0 || style.visibility === 'hidden') continue;
    const cuts = /hidden|clip/.test(style.overflowX) && !(e instanceof win.SVGElement);
    if (cuts && e.scrollWidth > e.clientWidth + 1) bad.push('cut off: ' + what(e));
    let box = e.parentElement;
    while (box && box !== doc.body && !scrolls(box)) box = box.parentElement;
    const free = !box || box === doc.body;
    if (free && (r.right > width + 1 || r.left < -1)) bad.push('outside of the page: ' + what(e));
    const svg = e.ownerSVGElement;
    if (svg && e.tagName === 'text') {
      const s = svg.getBoundingClientRect();
      const inside = r.right <= s.right + 1 && r.left >= s.left - 1 && r.bottom <= s.bottom + 1 && r.top >= s.top - 1;
      if (!inside) bad.push('outside of its figure: ' + what(e));
    }
    if (e.classList.contains('scroll')) {
      boxes++;
      const wide = e.scrollWidth > e.clientWidth + 1;
      const button = e.nextElementSibling, hint = button && button.nextElementSibling;
      const said = hint && hint.classList.contains('hint');
      if (wide && width >= 1280) {
        bad.push('a table that a desk does not show whole (' + e.scrollWidth + ' of ' + e.clientWidth + '): ' + what(e));
      }
      if (wide && !said) bad.push('a table that scrolls and does not say so: ' + what(e));
    }
  }
  return {width, boxes, bad};
}
const all = [];
function next(i) {
  if (i === widths.length) { document.getElementById('out').textContent = JSON.stringify(all); return; }
  const frame = document.createElement('iframe');
  frame.style.cssText = 'border:0;height:900px;width:' + widths[i] + 'px';
  frame.onload = () => { all.push(look(frame, widths[i])); frame.remove(); next(i + 1); };
  frame.src = 'report.html';
  document.body.appendChild(frame);
}
next(0);
</script>`

// TestThePageFits: in Chromium, at the widths of a desk, a tablet and a phone,
// nothing of the report is cut off or lies outside of the page; a desk shows
// every table whole, and where one scrolls, the page says so.
func TestThePageFits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	browser, err := document.FindBrowser()
	if err != nil {
		t.Skip("no Chromium in PATH: how the report is laid out is not looked at (.ci/run installs it)")
	}
	in := full(600, 4)
	for i, name := range []string{"months_since_the_most_recent_delinquency_of_any_account",
		"NumberOfTimes90DaysLateInTheLastTwoYears", "averageutilisationofrevolving"} {
		in.Features[i].Name = name
	}
	_, page, _ := render(t, in)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		switch r.URL.Path {
		case "/report.html":
			_, _ = io.WriteString(w, page)
		case "/":
			_, _ = io.WriteString(w, measuringPage)
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	args := []string{"--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
		"--user-data-dir=" + t.TempDir(), "--window-size=1400,1000", "--virtual-time-budget=60000",
		"--dump-dom", s.URL + "/"}
	if os.Geteuid() == 0 {
		args = append([]string{"--no-sandbox"}, args...)
	}
	out, err := exec.CommandContext(ctx, browser, args...).Output()
	if err != nil {
		t.Skipf("%s does not run here: %v", browser, err)
	}
	_, text, _ := strings.Cut(string(out), `<pre id="out">`)
	text, _, _ = strings.Cut(text, "</pre>")
	var all []struct {
		Width, Boxes int
		Bad          []string
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(text)), &all); err != nil {
		t.Fatalf("the page measured nothing: %v: %.300s", err, out)
	}
	if len(all) != 5 {
		t.Errorf("%d widths were looked at, want 5", len(all))
	}
	for _, w := range all {
		if w.Boxes < 10 {
			t.Errorf("at %d px there are %d tables", w.Width, w.Boxes)
		}
		for _, bad := range w.Bad {
			t.Errorf("at %d px: %s", w.Width, bad)
		}
	}
}
