"""A first look at sayso as a marimo notebook: run, vary, plot, and look into one answer.

marimo edit docs/notebook.py      # in the browser
python docs/notebook.py           # all of it at once, as the tests run it
"""

import marimo

app = marimo.App(width="medium")


@app.cell
def imports():
    import marimo as mo

    import sayso

    return mo, sayso


@app.cell
def intro(mo):
    mo.md("""
    # A first look

    A small model is trained from scratch on documents of two sources, one of which is always right. Then it reads new
    definitions by both. Whom does it believe? Change a value in the next cell, and what depends on it runs again.
    """)


@app.cell
def settings():
    seeds = "100-101"  # two seeds: to look at, not to conclude from; "100-115" takes three minutes of two cores
    changes = {"definition.order": "ATE"}  # by path, as `sayso show pocket` prints them: alias, tag, entity
    out = "sayso-results/notebook"
    return changes, out, seeds


@app.cell
def load(changes, sayso):
    experiment = sayso.load("pocket").with_settings(changes)
    return (experiment,)


@app.cell
def documents(experiment, mo, sayso):
    shown = [
        {"used in": where, "subset": document.subset, "document": document.text}
        for where, document in sayso.samples(experiment, seed=100)
        if document.subset in ("D5cons", "D6cons") and where != "validation"
    ]
    mo.ui.table(shown, page_size=6, selection=None)


@app.cell
def run(experiment, out, sayso, seeds):
    results = sayso.run(experiment, seeds=seeds, out=out)
    results
    return (results,)


@app.cell
def curves(results):
    results.figure("learning-curves")


@app.cell
def claims(results):
    results.claims()


@app.cell
def why_few(mo):
    mo.md("""
    Two seeds leave nearly everything *undecided*: each verdict says how many more would settle it. And what did a
    model say?
    """)


@app.cell
def measured(results, sayso):
    wanted = ("predictions", '{"type": "GradientAlignment", "most": 8}')
    measures = [sayso.measure_named(name) for name in wanted]
    looked_into = sayso.measure(results.path, measures)
    said = looked_into.predictions()
    return looked_into, said


@app.cell
def pick(mo, said):
    new = said[(said["seed"] == said["seed"].min()) & said["subset"].isin(["D5cons", "D6cons"])]
    alias = mo.ui.dropdown(sorted(new["alias"].unique()), value=sorted(new["alias"].unique())[0], label="an alias")
    alias
    return alias, new


@app.cell
def look(alias, experiment, mo, new, sayso):
    _seed = int(new["seed"].iloc[0])
    _told = [
        {"where": where, "subset": document.subset, "document": document.text}
        for where, document in sayso.samples(experiment, seed=_seed)
        if document.alias == alias.value and document.kind == "definition"
    ]
    answers = new[new["alias"] == alias.value][["stage", "eval_set", "prompt", "answers", "said", "match"]]
    mo.vstack([mo.md("What it was told:"), mo.ui.table(_told, selection=None), mo.md("What it said:"), answers])
    return (answers,)


@app.cell
def gradients(looked_into):
    aligned = looked_into.records().query(
        "measure == 'gradient_alignment' and eval_set == 'own_questions' and what == 'cosine'"
    )
    alignment = aligned.pivot_table(index=["stage", "epoch"], columns="subset", values="value")
    alignment
    return (alignment,)


@app.cell
def on(mo):
    mo.md("""
    The cosine is that of a definition's gradient and those of the questions about its alias: where the source is
    reliable, reading the definition moves the model towards the answers. More: *Mechanisms* in the guide.
    """)


if __name__ == "__main__":
    app.run()
