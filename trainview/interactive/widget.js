// The timeline as an anywidget; it follows timeline.js in one module.

export default {
  render({ model, el }) {
    const box = make("div");
    el.append(box);
    const program = timeline(box, JSON.parse(model.get("_data")), {
      selected: model.get("_rows"),
      onSelect(rows) {
        model.set("_rows", rows);
        model.save_changes();
      },
    });
    const follow = () => program.select(model.get("_rows"));
    model.on("change:_rows", follow);
    return () => {
      model.off("change:_rows", follow);
      program.remove();
    };
  },
};
