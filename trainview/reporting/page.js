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

// What a chart tells under the pointer, the finger or the keys: rows of the table behind it.
const MOST = 8;
const tip = document.createElement("div");
tip.className = "tip";
tip.setAttribute("role", "status");
document.body.append(tip);

const element = (tag, content) => {
  const made = document.createElement(tag);
  made.append(...[content].flat());
  return made;
};

const told = (table, rows) => {
  const heads = [...table.querySelectorAll("th")].map((head) => head.textContent);
  const cells = rows.map((row) => [...row.cells].map((cell) => cell.textContent));
  const places = heads.map((_, at) => at);
  if (cells.length === 1) {
    const [name, ...others] = places;
    const list = others.flatMap((at) => [element("dt", heads[at]), element("dd", cells[0][at])]);
    return [element("strong", `${heads[name]}: ${cells[0][name]}`), element("dl", list)];
  }
  // what all of them have in common is said once
  const same = places.filter((at) => cells.every((row) => row[at] === cells[0][at])).slice(0, 2);
  const [label, ...others] = places.filter((at) => !same.includes(at));
  const numbers = others.filter((at) => table.classList.contains(`n${at + 1}`));
  const values = (numbers.length ? numbers : others).slice(0, 3);
  const line = (row) => [element("dt", row[label]), ...values.map((at) => element("dd", row[at]))];
  const list = element("dl", [heads, ...cells.slice(0, MOST)].flatMap(line));
  list.style.gridTemplateColumns = `1fr repeat(${values.length}, auto)`;
  const head = same.map((at) => `${heads[at]}: ${cells[0][at]}`).join(", ");
  const more = cells.length > MOST ? [element("span", `and ${cells.length - MOST} more in the table`)] : [];
  return [element("strong", head || table.caption.textContent), list, ...more];
};

for (const picture of document.querySelectorAll(".picture:has(.marks)")) {
  const part = document.getElementById(picture.dataset.of ?? "") ?? picture.closest(".part");
  const table = part.querySelector("table");
  const rows = [...table.tBodies[0].rows];
  const marks = [...picture.querySelectorAll(".marks > *")];
  let at = -1;
  const hide = () => {
    marks[at]?.classList.remove("on");
    at = -1;
    tip.replaceChildren();
  };
  const show = (next, x, y) => {
    if (next !== at) {
      hide();
      at = next;
      marks[at].classList.add("on");
      tip.replaceChildren(...told(table, marks[at].dataset.rows.split(" ").map((row) => rows[row])));
    }
    const { width, height } = tip.getBoundingClientRect();
    const right = document.documentElement.clientWidth;
    const left = x + 16 + width > right ? Math.max(x - 16 - width, 8) : x + 16;
    const top = y + 16 + height > innerHeight ? Math.max(y - 16 - height, 8) : y + 16;
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${top + scrollY}px`;
  };
  picture.classList.add("live");
  picture.tabIndex = 0;
  picture.setAttribute("role", "group");
  picture.setAttribute("aria-label", `${table.caption.textContent}: the chart, with arrow keys value by value`);
  const point = (event) => {
    const next = marks.indexOf(event.target);
    if (next < 0) hide();
    else show(next, event.clientX, event.clientY);
  };
  picture.addEventListener("pointermove", point);
  picture.addEventListener("pointerdown", point);
  picture.addEventListener("pointerleave", (event) => event.pointerType === "touch" || hide());
  picture.addEventListener("blur", hide);
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") hide();
    if (!step) return;
    event.preventDefault();
    const next = Math.min(Math.max(at + step, 0), marks.length - 1);
    const box = marks[next].getBoundingClientRect();
    show(next, Math.min(box.left + box.width / 2, innerWidth - 24), box.top + box.height / 2);
  });
}
addEventListener("pointerdown", (event) => {
  if (!event.target.closest?.(".live")) tip.replaceChildren();
});

// On paper nothing can be unfolded.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const one of folded) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of folded) one.open = false;
});
