package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

const monitoring = "../deploy/monitoring/"

// The alert rules pass promtool's checks and their own tests.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	promtool := need(t, "promtool", "prometheus")
	for _, args := range [][]string{{"check", "rules", "--lint-fatal", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = monitoring
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// monitored is a Corefile whose server produces data for every metric.
const monitored = `
.:{$PORT} {
    bind 127.0.0.1
    errors
    prometheus 127.0.0.1:{$PORT_METRICS}
    reload 2s 1s
    privatelink {
        geo we
        files {$DIR}/*.json
        refresh 1s
        state {$DIR}/state
    }
    lru
    upstream . {$DEAD} {$UPSTREAM} {
        policy sequential
    }
}
`

// A real Prometheus scrapes the binary. Each panel of the dashboard has data, each
// alert is evaluated, and every metric and label in them is exported.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	prometheus := need(t, "prometheus", "prometheus")
	s := prepare(t, monitored)
	s.env["UPSTREAM"], s.env["DEAD"] = azure(t).Addr, "127.0.0.1:"+freePort(t)
	s.write("vault.json", export(vault...))
	s.write("pending.json", strings.NewReplacer("Approved", "Pending", "pe-vault-we", "pe-new").Replace(export("new.blob.core.windows.net 10.20.1.4")))
	s.start()
	s.write("broken.json", "{") // a failed sync
	base := startPrometheus(t, prometheus, s)

	dash, missing := readDashboard(t), ""
	defer func() {
		if missing != "" {
			t.Log("no data: " + missing)
		}
	}()
	eventually(t, "data in every panel", func() bool {
		for _, question := range []string{fc1, blob, "backup.corp.example", "someoneelse.blob.core.windows.net", "www.corp.example", "failing.corp.example"} {
			dns.Exchange(new(dns.Msg).SetQuestion(question+".", dns.TypeA), s.addr("")) //nolint:errcheck // it is repeated
		}
		missing = dash.withoutData(t, base)
		return missing == ""
	})

	var rules []rule
	eventually(t, "evaluation of every rule", func() bool {
		rules = readRules(t, base)
		return !slices.ContainsFunc(rules, func(r rule) bool { return r.Health == "unknown" })
	})
	metrics := exportedBy(t, "http://"+s.addr("_METRICS")+"/metrics")
	for _, r := range rules {
		if r.Health != "ok" {
			t.Errorf("alert %s: %s", r.Name, r.LastError)
		}
		metrics.check(t, "alert "+r.Name, r.Query, fmt.Sprint(r.Annotations))
	}
	for _, p := range dash.Panels {
		for _, target := range p.Targets {
			metrics.check(t, "panel "+p.Title, target.Expr, target.LegendFormat)
		}
	}
	checkRules(t, rules)
}

// startPrometheus starts a Prometheus that scrapes the server every second, and
// returns the address of its API.
func startPrometheus(t *testing.T, path string, s *server) string {
	t.Helper()
	rules, err := filepath.Abs(monitoring + "alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s.write("prometheus.yaml", fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs: [{job_name: privatelink-dns, static_configs: [{targets: [%q]}]}]
`, rules, s.addr("_METRICS")))
	addr := "127.0.0.1:" + freePort(t)
	p := &process{done: make(chan struct{})}
	p.cmd = exec.Command(path, "--config.file="+filepath.Join(s.dir, "prometheus.yaml"), "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+addr)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("log of Prometheus:\n%s", p.out.String())
		}
	})
	eventually(t, "start of Prometheus", func() bool {
		response, err := http.Get("http://" + addr + "/-/ready")
		if err != nil {
			return p.ended()
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return "http://" + addr
}

// A dashboard holds the fields of a Grafana dashboard that the tests check.
type dashboard struct {
	Templating struct{ List []struct{ Name, Type string } }
	Panels     []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ Type, UID string }
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []struct {
		Expr, LegendFormat string
		Datasource         struct{ UID string }
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	if err := json.Unmarshal([]byte(readText(t, monitoring+"dashboard.json")), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// variables replaces Grafana's variables by values.
var variables = strings.NewReplacer("$__rate_interval", "10s", "$job", ".+", "$instance", ".+")

func (d dashboard) withoutData(t *testing.T, base string) string {
	t.Helper()
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			var result []json.RawMessage
			prometheusAPI(t, base+"/api/v1/query?query="+url.QueryEscape(variables.Replace(target.Expr)), "result", &result)
			if len(result) == 0 {
				return p.Title + ": " + target.Expr
			}
		}
	}
	return ""
}

// corePanels are the panel types of Grafana itself, and rows.
var corePanels = []string{"timeseries", "stat", "table", "gauge", "state-timeline", "text", "row"}

func TestDashboard(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	if len(d.Templating.List) == 0 || d.Templating.List[0].Type != "datasource" {
		t.Errorf("variables %v; want the data source first", d.Templating.List)
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || !slices.Contains(corePanels, p.Type) || p.Type != "text" && p.Title == "" {
			t.Errorf("panel %q: id %d, type %s; want a unique id, a core panel, a title", p.Title, p.ID, p.Type)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q overlaps %q or the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" || p.Type == "text" {
			continue
		}
		if p.Datasource.UID != "${datasource}" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q: data source %q, description %q, unit %q, %d queries",
				p.Title, p.Datasource.UID, p.Description, p.FieldConfig.Defaults.Unit, len(p.Targets))
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" || !strings.Contains(target.Expr, `job=~"$job"`) {
				t.Errorf("panel %q: a query with data source %q, or without the job: %s", p.Title, target.Datasource.UID, target.Expr)
			}
		}
	}
}

type rule struct {
	Name, Query, Health, LastError string
	Duration                       float64
	Labels, Annotations            map[string]string
}

func readRules(t *testing.T, base string) (all []rule) {
	t.Helper()
	var groups []struct{ Rules []rule }
	prometheusAPI(t, base+"/api/v1/rules", "groups", &groups)
	for _, g := range groups {
		all = append(all, g.Rules...)
	}
	return all
}

// checkRules checks that each alert has a severity, a summary, a description, a
// runbook and a README row, and a test in which it first does not fire and then does.
func checkRules(t *testing.T, rules []rule) {
	t.Helper()
	tests := strings.Split(readText(t, monitoring+"alerts_test.yaml"), "\n  - name: ")[1:]
	for _, r := range rules {
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("alert %s: severity %q, annotations %v", r.Name, r.Labels["severity"], r.Annotations)
		}
		page, heading, _ := strings.Cut(r.Annotations["runbook"], "#")
		if heading != "troubleshooting" || !strings.Contains(readText(t, "../"+page), "\n## Troubleshooting\n") {
			t.Errorf("alert %s: no runbook at %q", r.Name, r.Annotations["runbook"])
		}
		if row := "\n| `" + r.Name + "` | " + r.Labels["severity"] + " | "; !strings.Contains(readText(t, monitoring+"README.md"), row) {
			t.Errorf("alert %s: the README lacks %q", r.Name, row)
		}
		if !slices.ContainsFunc(tests, func(test string) bool {
			return strings.Contains(test, `alertname="`+r.Name+`"`) && strings.Contains(test, "exp_samples: []")
		}) {
			t.Errorf("alert %s: alerts_test.yaml has no test in which it first does not fire and then does", r.Name)
		}
	}
	text := readText(t, monitoring+"alerts.yaml")
	if want := strings.Count(text, "\n      - alert: "); len(rules) != want || want != strings.Count(text, "\n        for: ") {
		t.Errorf("Prometheus has %d alerts; want %d, each with its for", len(rules), want)
	}
}
