(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const cards = all(".probe");

  const filter = document.querySelector(".filter");
  if (filter) {
    filter.hidden = false;
    const shows = all("[data-show]", filter);
    shows.forEach((button) => button.addEventListener("click", () => {
      const want = button.dataset.show;
      shows.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
      cards.forEach((card) => {
        const wrong = card.hasAttribute("data-wrong");
        card.hidden = !(want === "all" || (want === "wrong" ? wrong : card.dataset.decision === want));
      });
    }));
    const fold = filter.querySelector("[data-fold]");
    const folds = cards.map((card) => card.querySelector("details"));
    const name = () => { fold.textContent = folds.every((one) => one.open) ? "Close all" : "Open all"; };
    fold.addEventListener("click", () => {
      const open = !folds.every((one) => one.open);
      folds.forEach((one) => { one.open = open; });
      name();
    });
    name();
  }

  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = target && (target.querySelector("details") || target.closest("details"));
    if (!details) return;
    details.open = true;
    target.hidden = false;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    closed.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => { closed.forEach((one) => { one.open = false; }); });

  const bars = all(".timeline .bar[data-group]");
  const mark = (group) => bars.forEach((bar) => bar.classList.toggle("same", bar.dataset.group === group));
  bars.forEach((bar) => {
    for (const event of ["mouseenter", "focus"]) bar.addEventListener(event, () => mark(bar.dataset.group));
    for (const event of ["mouseleave", "blur"]) bar.addEventListener(event, () => mark(null));
  });
})();
