// Which exchanges are shown.
import {byId} from "./element.js";

const FIELDS = ["text", "host", "verdict", "status", "type"];
const HOSTS_MAX = 200;

export class Filter {
  constructor(changed) {
    this.hosts = new Set();
    for (const field of FIELDS)
      byId(`filter-${field}`).addEventListener("input", () => {
        this.take();
        changed();
      });
    byId("filter").addEventListener("submit", event => event.preventDefault());
    this.take();
  }

  take() {
    for (const field of FIELDS)
      this[field] = byId(`filter-${field}`).value.trim().toLowerCase();
    this.words = this.text.split(/\s+/).filter(word => word);
  }

  isOn() {
    return FIELDS.some(field => this[field]);
  }

  shows(exchange) {
    return this.words.every(word => exchange.search.includes(word)) &&
      exchange.host.toLowerCase().includes(this.host) &&
      (!this.verdict || exchange.verdict === this.verdict) &&
      (!this.status || String(exchange.status)[0] === this.status) &&
      (!this.type || exchange.kind === this.type);
  }

  /** Hosts become suggestions, as many as are bearable. */
  learn(exchange) {
    if (!exchange.host || this.hosts.has(exchange.host) || this.hosts.size >= HOSTS_MAX)
      return;
    this.hosts.add(exchange.host);
    const option = document.createElement("option");
    option.value = exchange.host;
    byId("hosts").append(option);
  }

  reset() {
    for (const field of FIELDS)
      byId(`filter-${field}`).value = "";
    this.take();
  }
}
