"use strict";
(() => {
  const audio = document.querySelector("audio");
  const said = [...document.querySelectorAll(".said")];
  const starts = said.map((stretch) => Number(stretch.dataset.start));
  const back = document.getElementById("back");
  const gentle = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const STEP_S = 5, LINGER_S = 1, OUR_SCROLL_MS = 1000;
  let now = null, spoken = null, following = true, oursUntil = 0;

  // Where the last of the ascending times stands that is not after t; -1 before the first.
  const lastAt = (times, t) => {
    let low = 0, high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= t) low = middle + 1; else high = middle;
    }
    return low - 1;
  };

  // Is the stretch between the bar and the lower edge?
  const isInView = (stretch) => {
    const box = stretch.getBoundingClientRect(), top = document.querySelector(".bar").getBoundingClientRect().bottom;
    return box.bottom > top && box.top < innerHeight;
  };
  // Nothing moves under a reader's eyes while what is spoken is near the middle.
  const bring = (stretch) => {
    const box = stretch.getBoundingClientRect();
    if (box.top > innerHeight * 0.2 && box.bottom < innerHeight * 0.8) return;
    oursUntil = performance.now() + OUR_SCROLL_MS;
    stretch.scrollIntoView({ block: "center", behavior: gentle ? "smooth" : "auto" });
  };
  const follow = () => {
    following = true;
    back.hidden = true;
    if (now) bring(now);
  };

  const mark = (t) => {
    const number = lastAt(starts, t + 0.02);
    const stretch = number >= 0 && t < Number(said[number].dataset.end) + LINGER_S ? said[number] : null;
    if (stretch !== now) {
      now?.classList.remove("now");
      now?.removeAttribute("aria-current");
      now = stretch;
      now?.classList.add("now");
      now?.setAttribute("aria-current", "true");
      if (now && !now.hidden && following) bring(now);
    }
    const words = now ? [...now.querySelectorAll("span[data-start]")] : [];
    const word = words[lastAt(words.map((each) => Number(each.dataset.start)), t + 0.02)] ?? null;
    if (word !== spoken) {
      spoken?.classList.remove("spoken");
      spoken = word;
      spoken?.classList.add("spoken");
    }
  };

  const jump = (t, play) => {
    if (audio) {
      audio.currentTime = t;
      if (play) audio.play().catch(() => {}); // what stops it is told by its error event
    }
    following = true;
    back.hidden = true;
    mark(t);
    if (now) bring(now);
  };

  // #t=83.5, #t=1:23 and #t=1:02:03, as media fragments are written; what follows a comma is their end
  const toldTime = () => {
    const told = /^#t=(?:npt:)?((?:\d+:){0,2}\d+(?:\.\d+)?)(?:,|$)/.exec(location.hash);
    return told ? told[1].split(":").reduce((sum, part) => sum * 60 + Number(part), 0) : null;
  };
  const openTold = (play) => {
    const t = toldTime();
    if (t !== null) jump(t, play);
  };

  if (audio) {
    document.body.classList.add("heard");
    const tick = () => {
      mark(audio.currentTime);
      if (!audio.paused) requestAnimationFrame(tick);
    };
    audio.addEventListener("play", tick);
    audio.addEventListener("seeked", () => mark(audio.currentTime));
    audio.addEventListener("timeupdate", () => mark(audio.currentTime)); // a tab in the background draws no frames
    audio.addEventListener("error", () => {
      const trouble = document.getElementById("trouble");
      trouble.textContent = audio.error?.code === MediaError.MEDIA_ERR_DECODE
        ? "This browser cannot play the recording any further: its format is not known here, or it is damaged."
        : "The recording cannot be played. It may have left S3, this browser may not know its format, or the command in the terminal has ended. Reload the page to see which.";
      trouble.hidden = false;
    });
  }
  openTold(false);
  addEventListener("hashchange", () => openTold(false));

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.time");
    const stretch = event.target.closest(".said");
    if (!link && (!stretch || !audio || !getSelection().isCollapsed)) return; // whoever selects text wants to copy it
    const timed = link ? null : event.target.closest("span[data-start]") ?? stretch;
    const t = link ? Number(link.hash.slice("#t=".length)) : Number(timed.dataset.start);
    event.preventDefault();
    history.replaceState(null, "", `#t=${t}`);
    jump(t, true);
  });

  back.addEventListener("click", follow);
  addEventListener("wheel", () => { oursUntil = 0; }, { passive: true });
  addEventListener("touchmove", () => { oursUntil = 0; }, { passive: true });
  addEventListener("scrollend", () => { oursUntil = 0; });
  addEventListener("scroll", () => {
    if (performance.now() < oursUntil || !now) return;
    following = isInView(now);
    back.hidden = following;
  }, { passive: true });

  const search = document.getElementById("search");
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const texts = said.map((stretch) => plain(stretch.querySelector("p").textContent));

  // The places of the sought text in a stretch, whose words may stand in nodes of their own.
  const places = (stretch, sought) => {
    const walker = document.createTreeWalker(stretch.querySelector("p"), NodeFilter.SHOW_TEXT), nodes = [];
    let whole = "";
    while (walker.nextNode()) {
      nodes.push([whole.length, walker.currentNode]);
      whole += walker.currentNode.data;
    }
    const low = whole.toLowerCase(), found = [];
    if (low.length !== whole.length) return found; // a few letters grow when they shrink; then nothing is marked
    const spot = (at) => {
      const [begin, node] = nodes[lastAt(nodes.map((each) => each[0]), at)];
      return [node, at - begin];
    };
    for (let at = low.indexOf(sought); at >= 0; at = low.indexOf(sought, at + sought.length)) {
      const range = new Range();
      range.setStart(...spot(at));
      const [node, offset] = spot(at + sought.length - 1);
      range.setEnd(node, offset + 1);
      found.push(range);
    }
    return found;
  };

  const seek = () => {
    const sought = search.value.trim(), ranges = [];
    let matches = 0;
    said.forEach((stretch, number) => {
      const fits = !sought || texts[number].includes(plain(sought));
      stretch.hidden = !fits;
      matches += fits;
      if (sought && fits) ranges.push(...places(stretch, sought.toLowerCase()));
    });
    document.getElementById("count").textContent = sought ? `${matches} of ${said.length}` : "";
    if (globalThis.CSS?.highlights) CSS.highlights.set("found", new Highlight(...ranges));
    if (!sought && now) bring(now);
  };
  search.addEventListener("input", seek);
  if (search.value) seek(); // a reload keeps what was typed

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === search) {
      if (event.key === "Escape") {
        search.value = "";
        seek();
        search.blur();
      }
      return;
    }
    const number = now ? said.indexOf(now) : -1;
    if (event.key === "/") search.focus();
    else if (!audio || event.target === audio) return; // the player's own controls know these keys
    else if (event.key === " " && !event.target.closest("button, a")) audio.paused ? audio.play().catch(() => {}) : audio.pause();
    else if (event.key === "ArrowLeft" && event.shiftKey) jump(starts[Math.max(0, number - 1)] ?? 0, false);
    else if (event.key === "ArrowRight" && event.shiftKey) jump(starts[Math.min(said.length - 1, number + 1)] ?? 0, false);
    else if (event.key === "ArrowLeft") audio.currentTime = Math.max(0, audio.currentTime - STEP_S);
    else if (event.key === "ArrowRight") audio.currentTime = Math.min(audio.duration || Infinity, audio.currentTime + STEP_S);
    else return;
    event.preventDefault();
  });
})();
