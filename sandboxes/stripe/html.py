"""The looks of the hosted pages: plain, labelled, usable with thumbs and with a keyboard."""

from collections.abc import Sequence
from html import escape

from sandboxes.stripe.cards import CardRow

_STYLE = """
body{font:18px/1.5 system-ui,sans-serif;margin:0;background:#f4f4f1;color:#1c1c1a}
main{max-width:34rem;margin:0 auto;padding:1rem}
.sandbox{background:#7a2e00;color:#fff;text-align:center;padding:.5rem;font-weight:700}
form,p.error{background:#fff;border:1px solid #bbb;border-radius:.5rem;padding:1rem;margin:1rem 0}
p.error{border:3px solid #a30000;color:#a30000}
fieldset{border:0;padding:0;margin:0}legend{font-weight:700;padding:0}
label.card{display:flex;gap:.75rem;align-items:center;min-height:44px;border-bottom:1px solid #ddd}
input[type=radio]{width:1.4rem;height:1.4rem;flex:none}
input[type=text]{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;min-height:44px}
button{font:inherit;font-weight:700;min-height:48px;width:100%;margin-top:.75rem;
border-radius:.4rem;border:2px solid #1c1c1a;background:#1c1c1a;color:#fff}
button.quiet{background:#fff;color:#1c1c1a}
:focus-visible{outline:3px solid #0a5bd3;outline-offset:2px}
.two{display:flex;gap:1rem}.two label{flex:1}small{color:#444}
"""


def document(title: str, content: str) -> str:
    """Wrap content into a page that says what it is."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} (sandbox)</title><style>{_STYLE}</style></head><body>"
        '<div class="sandbox">SANDBOX: no real card, no real money</div>'
        f"<main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )


def notice(title: str, text: str) -> str:
    """Build a page that only says something."""
    return document(title, f"<p>{escape(text)}</p>")


def checkout(cards: Sequence[CardRow], *, error: str | None, year: int, cancel: bool) -> str:
    """Build the page where a card is chosen and saved."""
    choices = "".join(
        f'<label class="card"><input type="radio" name="card" value="{card.number}"'
        f"{' checked' if place == 0 else ''}><span>{escape(card.label)}<br>"
        f"<small>{_grouped(card.number)}</small></span></label>"
        for place, card in enumerate(cards)
    )
    back = (
        '<button class="quiet" name="action" value="cancel" formnovalidate>Go back without'
        " saving</button>"
        if cancel
        else ""
    )
    return document(
        "Save a card",
        f"{_alert(error)}<form method=post>"
        f"<fieldset><legend>Choose a test card</legend>{choices}</fieldset>"
        "<p><label>or type the number of a test card<input type=text name=number"
        ' inputmode=numeric autocomplete=off maxlength=30 aria-describedby="only"></label>'
        '<small id="only">Test numbers only. Real card numbers are refused.</small></p>'
        '<div class="two"><label>Month<input type=text name=exp_month inputmode=numeric'
        ' maxlength=2 value="12"></label><label>Year<input type=text name=exp_year'
        f' inputmode=numeric maxlength=4 value="{year}"></label></div>'
        f'<button name="action" value="save">Save card</button>{back}</form>',
    )


def challenge(amount: str | None) -> str:
    """Build the bank's page that asks whether it is really you."""
    what = f"a payment of {amount}" if amount else "saving your card"
    return document(
        "Your bank asks: is this you?",
        f"<form method=post><p>Please decide about {escape(what)}.</p>"
        '<button name="outcome" value="approve">Yes, approve</button>'
        '<button class="quiet" name="outcome" value="fail">No, fail the check</button></form>',
    )


def _alert(error: str | None) -> str:
    return f'<p class="error" role="alert">{escape(error)}</p>' if error else ""


def _grouped(number: str) -> str:
    return " ".join(number[place : place + 4] for place in range(0, len(number), 4))
