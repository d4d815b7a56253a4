"""The window: Qt widgets that show the session and call its setters."""
