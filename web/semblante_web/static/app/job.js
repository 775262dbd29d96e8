// The bar chart of a job's emotions; the table beside it, which htmx renews, has the figures.

let chart = null;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function figures() {
  const rows = [...document.querySelectorAll("#emotion-table tbody tr")];
  return {
    labels: rows.map((row) => row.dataset.name),
    values: rows.map((row) => Number(row.dataset.faces)),
    colours: rows.map((row) => colour(`--emotion-${row.dataset.emotion}`) || colour("--accent")),
  };
}

function make(canvas) {
  return new window.Chart(canvas, {
    type: "bar",
    data: { labels: [], datasets: [{ data: [], borderRadius: 6, maxBarThickness: 56 }] },
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

function draw() {
  const canvas = document.getElementById("emotion-chart");
  if (!canvas) return;
  if (chart?.canvas !== canvas) {
    chart?.destroy();
    chart = make(canvas);
  }
  const { labels, values, colours } = figures();
  chart.data.labels = labels;
  chart.data.datasets[0].data = values;
  chart.data.datasets[0].backgroundColor = colours;
  for (const axis of Object.values(chart.options.scales)) axis.ticks = { ...axis.ticks, color: colour("--muted") };
  chart.options.scales.y.grid = { color: colour("--line") };
  chart.update();
}

document.body.addEventListener("htmx:afterSettle", draw);
document.addEventListener("themechange", draw);
draw();
