"""All pages that watch a wish: the list, one wish, its mandate, what is asked."""

from api.web import allow_once, dashboard, mandate_page, wish_orders, wishes

PAGES = (dashboard, wishes, wish_orders, mandate_page, allow_once)
