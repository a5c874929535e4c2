// News from freshet: server-sent events, taken up again where they broke off.

export class Stream {
  constructor(handlers) {
    this.handlers = handlers;
    this.source = new EventSource("/live/events");
    this.source.addEventListener("open", () => handlers.state("live"));
    this.source.addEventListener("error", () => this.failed());
    this.source.addEventListener("hello", event => handlers.hello(JSON.parse(event.data)));
    this.source.addEventListener("running", event => this.handlers.running(JSON.parse(event.data).rows));
    this.source.addEventListener("message", event => this.arrived(JSON.parse(event.data)));
  }

  arrived(news) {
    this.handlers.rows(news.rows, news.lost);
  }

  /** A refusal is final for an EventSource; a broken connection it makes anew by itself. */
  failed() {
    this.handlers.state(this.source.readyState === EventSource.CLOSED ? "refused" : "wait");
  }
}

/** All about one exchange; null when it is not remembered any more. */
export async function fetchExchange(id, secrets) {
  const answer = await fetch(`/live/exchange?id=${encodeURIComponent(id)}${secrets ? "&secrets=1" : ""}`);
  return answer.ok ? answer.json() : null;
}
