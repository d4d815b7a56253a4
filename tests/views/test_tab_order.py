"""Tab comes to what is made while the window is shown where the eye does."""

from PySide6.QtCore import Qt


def tabbed(window):
    """Return the accessible names of what Tab comes to, in turn."""
    names, each = [], window.nextInFocusChain()
    while each is not window:
        if each.isVisible() and each.focusPolicy() & Qt.FocusPolicy.TabFocus:
            names.append(each.accessibleName() or getattr(each, "text", str)())
        each = each.nextInFocusChain()
    return names


def test_regions_come_in_their_list_and_pictures_between_mask_and_scores(
    qtbot, ready_window, ready
):
    with qtbot.waitSignal(ready.results.result_changed):
        ready.decode()
    qtbot.waitUntil(lambda: ready.idle)
    names = tabbed(ready_window)
    first = names.index("New region") + 1
    rois = [roi.name for roi in ready.subject.rois]
    ticks = [
        f"{what} {name} {how}"
        for name in rois
        for what, how in (("Use", "for decoding"), ("Show", "on the brain"))
    ]
    assert names[first : first + len(ticks) + 1] == [*ticks, "Filter trials"]
    tiles = [tile.accessibleName() for tile in ready_window.workspace.gallery.tiles]
    first = names.index("Response vector in patches") + 1
    assert names[first : first + len(tiles) + 1] == [*tiles, "Consistency"]
