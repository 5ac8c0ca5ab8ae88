// Keeps a page live: when its stream says that it shows something else, the page is
// fetched again and its parts that differ are exchanged. Without this script, and
// without the stream, the page is the same, as of when it was loaded.
(() => {
  "use strict";
  const live = document.getElementById("live");
  let seen = document.body.dataset.seen;
  let wanted = false, fetching = false, polling = 0;

  const say = (text, state) => {
    live.hidden = false;
    live.className = "live " + state;
    if (live.textContent !== text) live.textContent = text;
  };

  // Somebody who is writing an answer keeps what is written.
  const busy = (part) => part.contains(document.activeElement) && /^(TEXTAREA|INPUT|BUTTON)$/.test(document.activeElement.tagName)
    || [...part.querySelectorAll("textarea")].some((t) => t.value !== t.defaultValue);

  const exchange = (old, now) => {
    if (old.innerHTML === now.innerHTML) return;
    const id = (d) => d.id || (d.querySelector("summary") || d).textContent;
    const unfolded = new Map([...old.querySelectorAll("details")].map((d) => [id(d), d.open]));
    for (const d of now.querySelectorAll("details")) {
      if (unfolded.has(id(d))) d.open = unfolded.get(id(d));
    }
    old.replaceChildren(...now.childNodes);
  };

  // Questions are exchanged one by one, so that one that is still the same stays.
  const questions = (old, now) => {
    for (const ask of [...old.querySelectorAll(".ask")]) {
      const same = now.querySelector("#" + CSS.escape(ask.id));
      if (!same) ask.remove();
      else if (!busy(ask) || !same.querySelector("form")) exchange(ask, same);
    }
    for (const ask of now.querySelectorAll(".ask")) {
      if (!old.querySelector("#" + CSS.escape(ask.id))) old.append(ask);
    }
  };

  const refresh = async () => {
    wanted = true;
    if (fetching) return;
    fetching = true;
    try {
      while (wanted) {
        wanted = false;
        const url = new URL(location.href);
        url.searchParams.delete("said"); // it is said once
        const answer = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-store" });
        if (!answer.ok) throw new Error(answer.statusText);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        seen = page.body.dataset.seen;
        history.replaceState(null, "", url);
        for (const part of document.querySelectorAll("[data-live]")) {
          const now = page.getElementById(part.id);
          if (now) (part.id === "asked" ? questions : exchange)(part, now);
        }
        say("live", "on");
      }
    } catch {
      say("not live: load the page again", "off");
    } finally {
      fetching = false;
    }
  };

  const open = () => {
    const events = new EventSource(document.body.dataset.events + "?seen=" + encodeURIComponent(seen));
    events.onopen = () => {
      clearInterval(polling);
      say("live", "on");
    };
    events.onmessage = refresh;
    events.onerror = () => {
      say("not live: trying again", "off");
      if (events.readyState !== EventSource.CLOSED) return;
      clearInterval(polling); // the board is full, or gone for a while
      polling = setInterval(refresh, 15000);
      setTimeout(open, 60000);
    };
  };
  open();
})();
