// The timeline to explore, and tables of jobs that follow what is selected in it.
for (const box of document.querySelectorAll(".explorer")) {
  const { jobs, rows } = JSON.parse(box.nextElementSibling.textContent);
  const followers = [...document.querySelectorAll(".table")].map((table) => {
    const body = [...table.querySelectorAll("tbody tr")];
    const own = table.closest(".part") === box.closest(".part");
    const at = [...table.querySelectorAll("th")].findIndex((head) => head.textContent.trim() === "Job id");
    if (!own && at < 0) return null;
    const note = document.createElement("p");
    note.className = "note";
    note.setAttribute("role", "status");
    table.prepend(note);
    return { body, note, jobOf: own ? (row) => rows[row] : (row) => body[row].cells[at].textContent, own };
  }).filter(Boolean);
  timeline(box, jobs, {
    listing: false,
    onSelect(selected) {
      const numbers = new Set(selected), ids = new Set(selected.map((job) => jobs.job_id[job]));
      for (const { body, note, jobOf, own } of followers) {
        const wanted = own ? numbers : ids;
        // sorting has moved the rows, not their order in body
        const shown = body.filter((row, at) => {
          const stays = !selected.length || wanted.has(jobOf(at));
          row.classList.toggle("unselected", !stays);
          return stays;
        });
        const missing = own ? selected.length - shown.length : 0;
        const more = missing > 0 ? ` ${missing} selected jobs are in none of its rows.` : "";
        note.textContent = selected.length
          ? `${shown.length} of ${body.length} rows: those of the jobs that are selected in the timeline.${more}`
          : "";
      }
    },
  });
}
