// <ff-chart>: draws one ECharts option that the server gives as data; colours are token names ("--chart-1").
let library;

class Chart extends HTMLElement {
  #chart;
  #watch;

  async connectedCallback() {
    library ??= import("../../vendor/echarts.js");
    const { init } = await library;
    if (!this.isConnected || this.#chart) return;
    this.#chart = init(this.#canvas(), null, { renderer: "canvas" });
    this.#chart.on("click", (event) => this.#clicked(event));
    this.#watch = new ResizeObserver(() => this.#chart?.resize());
    this.#watch.observe(this);
    this.draw();
    this.dataset.ready = "";
  }

  disconnectedCallback() {
    this.#watch?.disconnect();
    this.#chart?.dispose();
    this.#chart = null;
  }

  draw() {
    const option = JSON.parse(this.querySelector("script[data-state]").textContent);
    this.#label(option.xAxis, true);
    this.#label(option.yAxis, false);
    this.#chart.setOption(coloured({ ...this.#look(), ...option }, getComputedStyle(this)), true);
  }

  #canvas() {
    const box = document.createElement("div");
    box.className = "chart-canvas";
    this.append(box);
    return box;
  }

  #look() {
    const colours = [1, 2, 3, 4, 5, 6].map((number) => `--chart-${number}`);
    return { color: colours, textStyle: { color: "--ink-2", fontFamily: getComputedStyle(this).fontFamily },
      tooltip: { renderMode: "richText", backgroundColor: "--raised", borderColor: "--line", textStyle: { color: "--ink" } } };
  }

  // Amounts in the short form of the language; of a few categories every name is said, shortened if need be; moments speak for each other.
  #label(axis, isBelow) {
    if (!axis) return;
    const language = document.documentElement.lang;
    if (axis.type === "value") {
      const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
      axis.axisLabel = { ...axis.axisLabel, formatter: (value) => (Math.abs(value) < 10000 ? `${value}` : short.format(value).replace("K", "k")) };
    } else if (isBelow && axis.data?.length <= 6 && !/^\d{4}/.test(axis.data[0])) {
      const width = Math.max(40, (this.clientWidth - 70) / axis.data.length);
      axis.axisLabel = { interval: 0, width, overflow: "truncate", ...axis.axisLabel };
    }
  }

  #clicked({ name, seriesName, dataIndex, data }) {
    const detail = { name, seriesName, dataIndex, key: data?.key };
    this.dispatchEvent(new CustomEvent("ff:filter", { bubbles: true, detail }));
    if (this.dataset.drill && data && "key" in data) this.#drill(data.key ?? "");
  }

  // A click on a bar, a point or a slice opens the records behind it.
  #drill(key) {
    const address = new URL(this.dataset.drill, location.href);
    address.searchParams.set(`group.${this.dataset.dimension}`, key);
    globalThis.htmx.ajax("GET", address.pathname + address.search, { target: "#drawer", swap: "innerHTML" });
  }
}

// A canvas cannot read CSS variables: every text that is a token name becomes the colour of the current theme.
function coloured(part, style) {
  if (typeof part === "string" && part.startsWith("--")) return style.getPropertyValue(part).trim();
  if (Array.isArray(part)) return part.map((one) => coloured(one, style));
  if (part && typeof part === "object") {
    const tooltip = "tooltip" in part && part.tooltip ? { ...part.tooltip, renderMode: "richText" } : undefined;
    const whole = tooltip ? { ...part, tooltip } : part;
    return Object.fromEntries(Object.entries(whole).map(([key, value]) => [key, coloured(value, style)]));
  }
  return part;
}

customElements.define("ff-chart", Chart);
