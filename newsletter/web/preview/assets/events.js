// News from the server: through a worker that all tabs share, else through a stream that is closed while hidden.

/** Call `wake` whenever the page comes back: shown again, thawed, out of the browser's cache, or back on the network. */
export function onWake(wake) {
  document.addEventListener("visibilitychange", () => { if (!document.hidden) wake(); });
  document.addEventListener("resume", wake);
  addEventListener("online", wake);
  addEventListener("pageshow", (event) => { if (event.persisted) wake(); });
}

export function listen(tell) {
  if (typeof SharedWorker === "function") {
    try {
      const worker = new SharedWorker("/assets/worker.js", { name: "newsletter-preview" });
      worker.port.onmessage = (message) => tell(message.data);
      worker.port.start();
      addEventListener("pagehide", () => worker.port.postMessage("bye"));
      onWake(() => worker.port.postMessage("awake"));
      return;
    } catch { /* not allowed here: go on without */ }
  }
  let source = null;
  const open = () => {
    source?.close();
    source = new EventSource("/events");
    source.onmessage = (event) => tell(JSON.parse(event.data));
    source.onerror = () => tell({ lost: true });
  };
  const follow = () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (!source) open();
  };
  document.addEventListener("visibilitychange", follow);
  onWake(() => { if (source?.readyState === EventSource.CLOSED) open(); });
  follow();
}
