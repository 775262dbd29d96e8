// Charts of a job. Each draws the table that its canvas names, which htmx renews and readers hear.

const charts = new Map();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function figures(canvas) {
  const rows = [...document.querySelectorAll(`#${canvas.dataset.table} tbody tr`)];
  return {
    labels: rows.map((row) => row.dataset.name),
    values: rows.map((row) => Number(row.dataset.value)),
    colours: rows.map((row) => colour(row.dataset.colour ?? "") || colour("--accent")),
  };
}

function make(canvas) {
  return new window.Chart(canvas, {
    type: canvas.dataset.chart,
    data: { labels: [], datasets: [{ data: [], borderRadius: 6, maxBarThickness: 56, pointRadius: 0, borderWidth: 2, tension: 0.2 }] },
    options: {
      animation: false, // it would begin anew at every look at the server
      maintainAspectRatio: false,
      plugins: { legend: { display: false } },
      scales: {
        x: { grid: { display: false }, border: { display: false } },
        y: { beginAtZero: true, border: { display: false }, ticks: { precision: 0, maxTicksLimit: 6 } },
      },
    },
  });
}

function draw(canvas) {
  if (charts.get(canvas.id)?.canvas !== canvas) {
    charts.get(canvas.id)?.destroy();
    charts.set(canvas.id, make(canvas));
  }
  const chart = charts.get(canvas.id);
  const { labels, values, colours } = figures(canvas);
  const isLine = canvas.dataset.chart === "line";
  chart.data.labels = labels;
  Object.assign(chart.data.datasets[0], {
    data: values,
    backgroundColor: isLine ? colour("--accent-soft") : colours,
    borderColor: isLine ? colour("--accent") : colours,
    fill: isLine,
  });
  for (const axis of Object.values(chart.options.scales)) axis.ticks = { ...axis.ticks, color: colour("--muted") };
  chart.options.scales.y.grid = { color: colour("--line") };
  chart.update();
}

const drawAll = () => document.querySelectorAll("canvas[data-chart]").forEach(draw);

// htmx gives the focus back to what has an id; here links have none, and are known by their address.
let focused = null;

document.body.addEventListener("htmx:beforeSwap", () => {
  const active = document.activeElement;
  focused = active?.id ? null : active?.getAttribute("href");
});
document.body.addEventListener("htmx:afterSettle", () => {
  drawAll();
  if (!focused || document.activeElement !== document.body) return;
  document.querySelector(`#job-live a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
});
document.addEventListener("themechange", drawAll);
drawAll();
