"use strict";
for (const box of document.querySelectorAll(".table")) {
  const body = box.querySelector("tbody");
  const heads = [...box.querySelectorAll("th")];
  const rows = [...body.rows];
  const value = (row, at) => {
    const cell = row.cells[at];
    const key = cell.dataset.key;
    return key === undefined ? cell.textContent : key === "" ? NaN : Number(key);
  };
  const compare = (a, b) => {
    if (typeof a === "string") return a.localeCompare(b, "en", { numeric: true });
    return a - b;
  };
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const first = head.classList.contains("number") ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      for (const one of heads) one.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const known = (row) => !Number.isNaN(value(row, at)) && value(row, at) !== "-";
      rows.sort((a, b) =>
        // what is not known stays at the end, whichever way
        known(a) !== known(b) ? (known(a) ? -1 : 1)
          : known(a) ? sign * compare(value(a, at), value(b, at)) : 0);
      body.append(...rows);
    });
  });
  if (rows.length < 6) continue;
  const tools = box.querySelector(".tools");
  const input = tools.querySelector("input");
  const count = tools.querySelector(".count");
  tools.hidden = false;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
  });
}
