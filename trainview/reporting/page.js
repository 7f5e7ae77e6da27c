"use strict";
const text = (row, at) => row.cells[at].dataset.key ?? row.cells[at].textContent;
// what is below 0.1 is more than 0.0
const number = (row, at) => {
  const [, below, digits] = /^(<?)(.*?)(?:%| pp)?$/.exec(text(row, at).replaceAll(",", ""));
  return digits === "" ? NaN : Number(digits) * (below ? 0.5 : 1);
};
const order = new Intl.Collator("en", { numeric: true });

for (const box of document.querySelectorAll(".table")) {
  const body = box.querySelector("tbody");
  const heads = [...box.querySelectorAll("th")];
  const rows = [...body.rows];

  heads.forEach((head, at) => {
    const numbers = head.classList.contains("number");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const [first, other] = numbers ? ["descending", "ascending"] : ["ascending", "descending"];
      const way = head.getAttribute("aria-sort") === first ? other : first;
      for (const one of heads) one.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", way);
      const sign = way === "ascending" ? 1 : -1;
      const keyed = rows.map((row) => [row, numbers ? number(row, at) : text(row, at)]);
      const known = (key) => key !== "-" && !Number.isNaN(key);
      keyed.sort(([, a], [, b]) => {
        // what is not known stays at the end, whichever way
        if (!known(a) || !known(b)) return known(b) - known(a);
        return sign * (numbers ? a - b : order.compare(a, b));
      });
      body.append(...keyed.map(([row]) => row));
    });
  });

  if (rows.length < 6) continue;
  const tools = box.querySelector(".tools");
  const input = tools.querySelector("input");
  const count = tools.querySelector(".count");
  const texts = rows.map((row) => [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase());
  tools.hidden = false;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, at) => {
      row.hidden = !words.every((word) => texts[at].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
  });
}

// On paper nothing can be unfolded.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const one of folded) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of folded) one.open = false;
});
